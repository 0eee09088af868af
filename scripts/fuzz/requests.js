// Valid requests for the servers of the fuzz run, drawn from a seed, each with its expected response. Texts are
// Latin-1. `{port}` in a target and in the expected content stands for the client's own port.
import { FILES } from './test-site.js';

const MAX_BODY_BYTES = 60_000;
const BOUNDARY = 'fuzz-boundary';
const FIELDS = [
  'Accept: */*',
  'Accept: text/html, application/json;q=0.9, */*;q=0.1',
  'Accept-Language: en-GB, en;q=0.5',
  'Cookie: a=b; c=d',
  'Cookie: e="f"',
  'User-Agent: fuzz/1.0 (a; b) c',
  'X-Forwarded-For: 192.0.2.1, 198.51.100.7',
  'If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT',
  'Upgrade: h2c',
  'Cache-Control: no-cache',
  'X-Obs: \xe4\xf6\xfc',
];

/** A request with its expected response. `expected.content` is null where it is not known. */
function testRequest(method, target, status, content, more = {}) {
  return { method, target, lines: [], body: null, host: 'fuzz', ...more, expected: { status, content } };
}

function ascii(random, length) {
  return Array.from({ length }, () => String.fromCharCode(random.between(32, 126))).join('');
}

/** Mostly small bodies; large ones consist of few different bytes. */
function bodyOf(random, most = MAX_BODY_BYTES) {
  const length = random.magnitude(1, most);
  if (length < 500) return ascii(random, length);
  return ascii(random, 97)
    .repeat(Math.ceil(length / 97))
    .slice(0, length);
}

function rangeOf(random) {
  const content = FILES['page.html'];
  const first = random.below(content.length);
  const last = random.between(first, content.length - 1);
  const lines = [`Range: bytes=${first}-${last}`];
  return testRequest('GET', '/page', 206, content.slice(first, last + 1), { lines });
}

/** Requests for the files of a test site, with `--clean-urls`, `--listing`, a mount and a virtual host. */
const OF_FILES = [
  () => testRequest('GET', '/small.txt', 200, FILES['small.txt']),
  () => testRequest('GET', '/small.txt', 200, FILES['small.txt'], { lines: ['If-None-Match: "other", W/"another"'] }),
  () => testRequest('HEAD', '/page', 200, ''),
  () => testRequest('GET', '/folder/', 200, FILES['folder/index.html']),
  () => testRequest('GET', '/page', 200, FILES['page.html']),
  () => testRequest('GET', 'http://fuzz/small.txt', 200, FILES['small.txt']),
  () => testRequest('GET', '/sm%61ll.txt?a=b', 200, FILES['small.txt']),
  () => testRequest('GET', '/list/', 200, null, { lines: ['Accept: application/json'] }),
  () => testRequest('GET', '/list/', 200, null),
  () => testRequest('GET', '/assets/mounted.txt', 200, FILES['small.txt']),
  () => testRequest('GET', '/', 200, 'virtual', { host: 'virtual.test' }),
  () => testRequest('GET', '/small.txt', 304, '', { lines: ['If-None-Match: *'] }),
  () => testRequest('GET', '/sibling.css', 200, null, { lines: ['Accept-Encoding: gzip, br;q=0.5'] }),
  () => testRequest('GET', '/page', 200, null, { lines: ['Accept-Encoding: br, gzip, zstd'] }),
  (random) => testRequest('GET', `/missing-${random.below(1_000)}`, 404, null),
  () => testRequest('GET', '/.hidden', 404, null),
  () => testRequest('GET', '/link.txt', 404, null),
  rangeOf,
  () => testRequest('GET', '/page', 206, null, { lines: ['Range: bytes=0-1, 5-9, -3'] }),
  () => testRequest('GET', '/large.txt', 200, FILES['large.txt']),
  () => testRequest('GET', '/large.txt', 200, null, { lines: ['Accept-Encoding: gzip'] }),
  () => testRequest('GET', '/large.bin', 206, FILES['large.bin'].slice(-9), { lines: ['Range: bytes=-9'] }),
  () => testRequest('GET', '/large.bin', 200, FILES['large.bin']),
];

function echoOf(random, target) {
  const body = bodyOf(random);
  return testRequest('POST', target, 200, body, { body });
}

function streamOf(random) {
  const length = random.magnitude(1, 300_000);
  return testRequest('GET', `/stream?n=${length}`, 200, 'x'.repeat(length));
}

/** Requests for the routes that every application of the run has. */
const OF_ROUTES = [
  (random) => echoOf(random, '/echo'),
  (random) => echoOf(random, '/text'),
  (random) => echoOf(random, '/pass'),
  (random) => testRequest('POST', '/inspect', 200, null, { body: bodyOf(random, 3_000), lines: ['X-A: 1', 'X-A: 2'] }),
  (random) => testRequest('GET', `/whoami?ms=${random.below(30)}&port={port}-{port}`, 200, '{port}'),
  (random) => testRequest('GET', `/whoami?ms=${random.below(30)}&port={port}-{port}`, 200, '{port}'),
  (random) => testRequest('POST', '/taste', 200, 'tasted', { body: bodyOf(random) }),
  (random) => testRequest('PUT', '/ignore', 200, 'ignored', { body: bodyOf(random) }),
  () => testRequest('HEAD', '/inspect', 200, ''),
  () => testRequest('DELETE', '/ignore?x', 200, 'ignored'),
  () => testRequest('GET', '/throw', 500, null),
  () => testRequest('GET', '/nothing', 404, null),
  streamOf,
];

function formOf() {
  const part = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n`;
  const body = `${part}--${BOUNDARY}--\r\n`;
  const lines = [`Content-Type: multipart/form-data; boundary=${BOUNDARY}`];
  return testRequest('POST', '/form', 200, '[["a","b"]]', { body, lines });
}

/** Requests for routes that only the fetch application has. */
const OF_FETCH = [
  (random) => echoOf(random, '/clone'),
  formOf,
  () =>
    testRequest('POST', '/form', 200, '[["a","b c"]]', {
      body: 'a=b+c',
      lines: ['Content-Type: application/x-www-form-urlencoded'],
    }),
  () => testRequest('POST', '/json', 200, '{"a":[1]}', { body: '{"a": [1]}' }),
];

/** Requests for the modules of the dynamic folder. */
const OF_MODULES = [
  () => testRequest('GET', '/clock?now', 200, 'clock now\n'),
  (random) => echoOf(random, '/echo'),
  () => testRequest('GET', '/defect', 500, null),
];

const SITES = { files: OF_FILES, routes: OF_ROUTES, fetch: OF_FETCH, modules: OF_MODULES };

/** One request for a server with `sites`, or for its page if it has none. */
export function drawRequest(random, sites) {
  if (sites.length === 0) return testRequest('GET', '/', 200, null);
  const drawn = random.pick(random.pick(sites.map((name) => SITES[name])))(random);
  for (let i = random.below(4); i > 0; i--) drawn.lines = [...drawn.lines, random.pick(FIELDS)];
  return drawn;
}

/** The chunked coding of `body`: chunks of one drawn size, or of one byte. */
function chunksOf(random, body) {
  const size = body.length < 2_000 && random.chance(0.2) ? 1 : random.magnitude(1, 8_192);
  // Small chunks get no further framing: a server may reject a body that is mostly framing.
  const extension = size < 16 ? '' : random.pick(['', ';a=b', ';a="b c"']);
  const pieces = [];
  for (let at = 0; at < body.length; at += size) {
    const piece = body.slice(at, at + size);
    pieces.push(`${piece.length.toString(16)}${extension}\r\n${piece}\r\n`);
  }
  return `${pieces.join('')}0\r\n${random.pick(['', '', 'X-Trailer: value\r\n'])}\r\n`;
}

/** The bytes of a request. `isFinal`: the connection may end with it. */
export function serialize(random, { method, target, lines, body, host }, isFinal) {
  const isChunked = body !== null && random.chance(0.5);
  const framing = body === null ? [] : [isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`];
  const expectation = body !== null && isFinal && random.chance(0.1) ? ['Expect: 100-continue'] : [];
  const version = isFinal && !isChunked && random.chance(0.2) ? '1.0' : '1.1';
  const close = isFinal && random.chance(0.3) ? ['Connection: close'] : [];
  const all = [`Host: ${host}`, ...lines, ...framing, ...expectation, ...close];
  const content = isChunked ? chunksOf(random, body) : (body ?? '');
  return `${method} ${target} HTTP/${version}\r\n${all.map((line) => `${line}\r\n`).join('')}\r\n${content}`;
}

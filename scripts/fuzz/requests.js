// Requests that a server of the fuzz run must answer, drawn from a seed, each with what must come back. Texts are
// Latin-1. `{port}` in a target and in what is expected stands for the client's own port.
import { FILES } from './place.js';

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

/** An order for one request. `expected.content` is null where it is not known beforehand. */
function order(method, target, status, content, more = {}) {
  return { method, target, lines: [], body: null, host: 'fuzz', ...more, expected: { status, content } };
}

function ascii(random, length) {
  return Array.from({ length }, () => String.fromCharCode(random.between(32, 126))).join('');
}

/** Mostly small, of few different bytes when large. */
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
  return order('GET', '/page', 206, content.slice(first, last + 1), { lines });
}

/** Requests for the files of a place, with `--clean-urls`, `--listing`, a mount and a virtual host. */
const OF_FILES = [
  () => order('GET', '/small.txt', 200, FILES['small.txt']),
  () => order('GET', '/small.txt', 200, FILES['small.txt'], { lines: ['If-None-Match: "other", W/"another"'] }),
  () => order('HEAD', '/page', 200, ''),
  () => order('GET', '/folder/', 200, FILES['folder/index.html']),
  () => order('GET', '/page', 200, FILES['page.html']),
  () => order('GET', 'http://fuzz/small.txt', 200, FILES['small.txt']),
  () => order('GET', '/sm%61ll.txt?a=b', 200, FILES['small.txt']),
  () => order('GET', '/list/', 200, null, { lines: ['Accept: application/json'] }),
  () => order('GET', '/list/', 200, null),
  () => order('GET', '/assets/mounted.txt', 200, FILES['small.txt']),
  () => order('GET', '/', 200, 'virtual', { host: 'virtual.test' }),
  () => order('GET', '/small.txt', 304, '', { lines: ['If-None-Match: *'] }),
  () => order('GET', '/sibling.css', 200, null, { lines: ['Accept-Encoding: gzip, br;q=0.5'] }),
  () => order('GET', '/page', 200, null, { lines: ['Accept-Encoding: br, gzip, zstd'] }),
  (random) => order('GET', `/missing-${random.below(1_000)}`, 404, null),
  () => order('GET', '/.hidden', 404, null),
  () => order('GET', '/link.txt', 404, null),
  rangeOf,
  () => order('GET', '/page', 206, null, { lines: ['Range: bytes=0-1, 5-9, -3'] }),
  () => order('GET', '/large.txt', 200, FILES['large.txt']),
  () => order('GET', '/large.txt', 200, null, { lines: ['Accept-Encoding: gzip'] }),
  () => order('GET', '/large.bin', 206, FILES['large.bin'].slice(-9), { lines: ['Range: bytes=-9'] }),
  () => order('GET', '/large.bin', 200, FILES['large.bin']),
];

function echoOf(random, target) {
  const body = bodyOf(random);
  return order('POST', target, 200, body, { body });
}

function streamOf(random) {
  const length = random.magnitude(1, 300_000);
  return order('GET', `/stream?n=${length}`, 200, 'x'.repeat(length));
}

/** Requests for the routes that every application of the run has. */
const OF_ROUTES = [
  (random) => echoOf(random, '/echo'),
  (random) => echoOf(random, '/text'),
  (random) => echoOf(random, '/pass'),
  (random) => order('POST', '/inspect', 200, null, { body: bodyOf(random, 3_000), lines: ['X-A: 1', 'X-A: 2'] }),
  (random) => order('GET', `/whoami?ms=${random.below(30)}&port={port}-{port}`, 200, '{port}'),
  (random) => order('GET', `/whoami?ms=${random.below(30)}&port={port}-{port}`, 200, '{port}'),
  (random) => order('POST', '/taste', 200, 'tasted', { body: bodyOf(random) }),
  (random) => order('PUT', '/ignore', 200, 'ignored', { body: bodyOf(random) }),
  () => order('HEAD', '/inspect', 200, ''),
  () => order('DELETE', '/ignore?x', 200, 'ignored'),
  () => order('GET', '/throw', 500, null),
  () => order('GET', '/nothing', 404, null),
  streamOf,
];

function formOf() {
  const part = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n`;
  const body = `${part}--${BOUNDARY}--\r\n`;
  const lines = [`Content-Type: multipart/form-data; boundary=${BOUNDARY}`];
  return order('POST', '/form', 200, '[["a","b"]]', { body, lines });
}

/** Requests for what only the fetch application has. */
const OF_FETCH = [
  (random) => echoOf(random, '/clone'),
  formOf,
  () =>
    order('POST', '/form', 200, '[["a","b c"]]', {
      body: 'a=b+c',
      lines: ['Content-Type: application/x-www-form-urlencoded'],
    }),
  () => order('POST', '/json', 200, '{"a":[1]}', { body: '{"a": [1]}' }),
];

/** Requests for the modules of the dynamic folder. */
const OF_MODULES = [
  () => order('GET', '/clock?now', 200, 'clock now\n'),
  (random) => echoOf(random, '/echo'),
  () => order('GET', '/defect', 500, null),
];

const SITES = { files: OF_FILES, routes: OF_ROUTES, fetch: OF_FETCH, modules: OF_MODULES };

/** One order for a server with `sites`, or for its page alone where it has none. */
export function drawOrder(random, sites) {
  if (sites.length === 0) return order('GET', '/', 200, null);
  const drawn = random.pick(random.pick(sites.map((name) => SITES[name])))(random);
  for (let i = random.below(4); i > 0; i--) drawn.lines = [...drawn.lines, random.pick(FIELDS)];
  return drawn;
}

/** The chunked coding of `body`: chunks of one size, drawn, or of one byte. */
function chunksOf(random, body) {
  const size = body.length < 2_000 && random.chance(0.2) ? 1 : random.magnitude(1, 8_192);
  // Small chunks have no room for more framing: a server may refuse a body that is mostly that.
  const extension = size < 16 ? '' : random.pick(['', ';a=b', ';a="b c"']);
  const pieces = [];
  for (let at = 0; at < body.length; at += size) {
    const piece = body.slice(at, at + size);
    pieces.push(`${piece.length.toString(16)}${extension}\r\n${piece}\r\n`);
  }
  return `${pieces.join('')}0\r\n${random.pick(['', '', 'X-Trailer: value\r\n'])}\r\n`;
}

/** The bytes of an order. `isLast`: the connection may end with it. */
export function serialize(random, { method, target, lines, body, host }, isLast) {
  const isChunked = body !== null && random.chance(0.5);
  const framing = body === null ? [] : [isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`];
  const expectation = body !== null && isLast && random.chance(0.1) ? ['Expect: 100-continue'] : [];
  const version = isLast && !isChunked && random.chance(0.2) ? '1.0' : '1.1';
  const close = isLast && random.chance(0.3) ? ['Connection: close'] : [];
  const all = [`Host: ${host}`, ...lines, ...framing, ...expectation, ...close];
  const content = isChunked ? chunksOf(random, body) : (body ?? '');
  return `${method} ${target} HTTP/${version}\r\n${all.map((line) => `${line}\r\n`).join('')}\r\n${content}`;
}

// Mutations of the text of requests, drawn from a seed, and heavy requests: long runs of one text at every place where
// a server scans. Texts are Latin-1.

const MAX_RUN_BYTES = 15_900;
const MAX_TARGET_RUN_BYTES = 7_900;
const HUGE = ['0', '-1', '4294967296', '9007199254740993', '18446744073709551616', 'ffffffffffffffff', '1e9', '0x10'];
const INTERESTING = ['\r', '\n', '\r\n', '\0', ' ', '\t', ':', ';', ',', '"', '%', '/', '\\', '?', '#', '\x7f', '\xff'];
const FILLS = [
  ' ',
  '\t',
  ' \t',
  ',',
  ', ',
  ';',
  ';a=',
  '0',
  '9',
  '"',
  '\\"',
  '%',
  '%41',
  '/',
  '/./',
  '../',
  '=',
  '*',
  'a',
  '-',
];

/** `fill` repeated to `length` bytes. */
function runOf(fill, length) {
  return fill.repeat(Math.ceil(length / fill.length)).slice(0, length);
}

// ---- Mutations: each takes a text and an index in it ----------------------------------------------------------

function flipBit(random, text, at) {
  const byte = (text.charCodeAt(at) & 0xff) ^ (1 << random.below(8));
  return text.slice(0, at) + String.fromCharCode(byte) + text.slice(at + 1);
}

function repeatPart(random, text, at) {
  const length = random.magnitude(1, 200);
  return text.slice(0, at) + text.slice(at, at + length).repeat(random.magnitude(1, 8)) + text.slice(at);
}

/** Repeats a field line unchanged. */
function repeatLine(_random, text, at) {
  const start = text.lastIndexOf('\r\n', at);
  const end = text.indexOf('\r\n', at + 1);
  if (start < 0 || end < 0) return text;
  return text.slice(0, end) + text.slice(start, end) + text.slice(end);
}

/** Replaces the number at or behind `at` with a huge one. */
function enlargeNumber(random, text, at) {
  const number = /\d+/g;
  number.lastIndex = at;
  const found = number.exec(text);
  if (found === null) return text;
  return text.slice(0, found.index) + random.pick(HUGE) + text.slice(found.index + found[0].length);
}

function encodePercent(random, text, at) {
  const code = text.charCodeAt(at) & 0xff;
  const encoded = random.pick([`%${code.toString(16).padStart(2, '0')}`, '%', '%zz', '%00', '%2e%2e%2f', '%c0%af']);
  return text.slice(0, at) + encoded + text.slice(at + 1);
}

const CHANGES = [
  flipBit,
  repeatPart,
  repeatLine,
  enlargeNumber,
  encodePercent,
  (random, text, at) => text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at),
  (random, text, at) => text.slice(0, at) + random.pick(INTERESTING) + text.slice(at),
  (random, text, at) => text.slice(0, at) + text.slice(at + random.magnitude(1, 20)),
  (random, text, at) =>
    text.slice(0, at) + runOf(random.pick(FILLS), random.magnitude(1, MAX_RUN_BYTES)) + text.slice(at),
  (_random, text, at) => text.slice(0, at),
];

/** Servers decide mostly by the heads: half of all indexes are in the first bytes of a line. */
function placeIn(random, text) {
  const at = random.below(text.length);
  if (random.chance(0.5)) return at;
  const line = text.lastIndexOf('\r\n', at);
  return line < 0 ? at : Math.min(line + 2 + random.below(24), text.length - 1);
}

/** Applies one to eight mutations to `text`, and sometimes appends the end of `other`. */
export function mutate(random, text, other) {
  let changed = text;
  for (let i = random.magnitude(1, 8); i > 0 && changed.length > 0; i--) {
    changed = random.pick(CHANGES)(random, changed, placeIn(random, changed));
  }
  if (!random.chance(0.15)) return changed;
  return changed.slice(0, random.below(changed.length + 1)) + other.slice(random.below(other.length + 1));
}

// ---- Heavy requests ----------------------------------------------------------------------------------------

/** Field names, with the text before a run and behind it. */
const SCANNED = [
  ['Range', 'bytes=0-1', 'x'],
  ['Range', 'bytes=', ''],
  ['Range', 'bytes=0-1', ',5-'],
  ['If-Range', '"a', ''],
  ['If-None-Match', '"a"', 'x'],
  ['If-None-Match', 'W/', '"'],
  ['If-Match', '', '"a"'],
  ['If-Modified-Since', 'Sat, 01 Jan 2000', '00:00:00 GMT'],
  ['Accept', 'text/html', ';q=0.5x'],
  ['Accept', '', 'x'],
  ['Accept', 'application/json', ';q=0'],
  ['Accept-Encoding', 'gzip', ';q=0x'],
  ['Accept-Encoding', '', 'br'],
  ['Accept-Language', 'en', 'x'],
  ['Connection', 'close', 'x'],
  ['Connection', '', 'keep-alive'],
  ['Content-Type', 'multipart/form-data; boundary=', 'x'],
  ['Content-Type', 'application/x-www-form-urlencoded', 'x'],
  ['Content-Length', '', '0'],
  ['Transfer-Encoding', 'chunked', ''],
  ['Cookie', 'a=b', 'c'],
  ['Expect', '100-continue', 'x'],
  ['Host', 'a', ''],
  ['Authorization', 'Basic', 'x'],
  ['Forwarded', 'for=a', 'x'],
  ['X-Forwarded-For', '192.0.2.1', 'x'],
  ['Referer', 'http://a/', 'x'],
  ['User-Agent', 'a', 'x'],
  ['Upgrade', 'h2c', 'x'],
  ['Trailer', 'a', 'x'],
  ['X-Any', 'a', 'x'],
];

const TARGETS = ['/small.txt', '/list/', '/echo', '/inspect', '/form', '/clock', '/'];

function heavyField(random) {
  const [name, before, behind] = random.pick(SCANNED);
  const run = runOf(random.pick([...FILLS, before || ' ', behind || ' ']), random.between(2_000, MAX_RUN_BYTES));
  const host = name === 'Host' ? '' : 'Host: fuzz\r\n';
  return `GET ${random.pick(TARGETS)} HTTP/1.1\r\n${host}${name}: ${before}${run}${behind}\r\n\r\n`;
}

function heavyTarget(random) {
  const run = runOf(random.pick(FILLS), random.between(2_000, MAX_TARGET_RUN_BYTES));
  const front = random.pick(['/', '/small.txt?', '/whoami?port=', 'http://fuzz', '/list/', '/inspect?']);
  return `GET ${front}${run} HTTP/1.1\r\nHost: fuzz\r\n\r\n`;
}

function heavyTrailer(random) {
  const run = runOf(random.pick(FILLS), random.between(2_000, MAX_RUN_BYTES));
  const place = random.pick([
    `1;a=${run}\r\nx\r\n0\r\n`,
    `1\r\nx\r\n0\r\nX-T: a${run}x\r\n`,
    `1\r\nx\r\n0\r\nX-T:${run}\r\n`,
  ]);
  return `POST ${random.pick(['/echo', '/inspect'])} HTTP/1.1\r\nHost: fuzz\r\nTransfer-Encoding: chunked\r\n\r\n${place}\r\n`;
}

function heavyForm(random) {
  const run = runOf(random.pick(FILLS), random.between(2_000, 60_000));
  const body = `--b\r\nContent-Disposition: form-data; name="a"${random.pick(['', run])}\r\n\r\n${run}\r\n--b--`;
  const type = random.pick(['multipart/form-data; boundary=b', 'application/x-www-form-urlencoded']);
  const lines = `Host: fuzz\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n`;
  return `POST ${random.pick(['/form', '/json', '/text'])} HTTP/1.1\r\n${lines}\r\n${body}`;
}

/** Chunks of one byte: six bytes of framing and data each. */
export function tinyChunks(target, count) {
  const body = '1\r\nx\r\n'.repeat(count);
  return `POST ${target} HTTP/1.1\r\nHost: fuzz\r\nTransfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n`;
}

function manyFields(random) {
  const line = `X-${random.pick(['a', '', ' '])}: ${random.pick(FILLS)}\r\n`;
  return `GET /inspect HTTP/1.1\r\nHost: fuzz\r\n${line.repeat(random.magnitude(10, 1_500))}\r\n`;
}

const HEAVY = [heavyField, heavyField, heavyField, heavyTarget, heavyTrailer, heavyForm, manyFields];
const READERS = ['/echo', '/text', '/pass', '/taste', '/ignore', '/inspect', '/clone'];

/** A request that is meant to be costly; `most`: the maximum of tiny chunks. */
export function drawHeavy(random, most = 60_000) {
  if (random.chance(0.15)) return tinyChunks(random.pick(READERS), random.magnitude(1_000, most));
  return random.pick(HEAVY)(random);
}

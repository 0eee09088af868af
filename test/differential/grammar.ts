// Generates streams of requests: mostly valid, with typical mistakes at every place of the grammar, then mutated at a
// few bytes.

import fc from 'fast-check';

type Text = fc.Arbitrary<string>;

/** Mostly the first, sometimes one of the others. */
function mostly(usual: Text | string, ...others: readonly (Text | string)[]): Text {
  const arbitrary = (each: Text | string): Text => (typeof each === 'string' ? fc.constant(each) : each);
  return fc.oneof(
    { arbitrary: arbitrary(usual), weight: 50 * Math.max(others.length, 1) },
    ...others.map((other) => ({ arbitrary: arbitrary(other), weight: 1 })),
  );
}

function joined(...parts: readonly (Text | string)[]): Text {
  return fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
    .map((all) => all.join(''));
}

const CRLF = mostly('\r\n', '\n', '\r', '\r\r\n', '\n\r', '\r\n\r\n', ' \r\n', '');
const SP = mostly(' ', '  ', '\t', '', ' \t');
const anyByte = fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte));
const word = fc.stringMatching(/^[a-zA-Z0-9-]{1,8}$/);

const method = mostly(
  fc.constantFrom('GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH'),
  'get',
  'CONNECT',
  'TRACE',
  'PRI',
  'G T',
  'M-SEARCH',
  '',
);
const target = mostly(
  joined('/', fc.constantFrom('', 'a', 'a/b', '%41', '?', '?a=b', '?a?b', 'a?b=%zz', '//x', ';x', '\\')),
  '*',
  'http://h/a',
  'HTTP://h:80?q',
  'https://[::1]/',
  'h:80',
  'a',
  'http://u@h/',
  '/a#b',
  '/\x80',
  '/\x7f',
  '',
);
const version = mostly(
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
  'HTTP/1.10',
  'http/1.1',
  'HTTP/1',
  'HTTP/1.1x',
  '',
);

const value = mostly(
  joined(fc.constantFrom(' ', '', '\t', '  '), fc.stringMatching(/^[ -~]{0,12}$/), fc.constantFrom('', ' ', '\t')),
  joined('a', anyByte, 'b'),
  'a\r b',
  '\x80',
);
const name = mostly(word, joined(word, anyByte), '', 'X Y', ' X', '\tX', "!#$%&'*+-.^_`|~");
const colon = mostly(':', ' :', '\t:', '', '::');

const host = mostly(
  'Host: h',
  'Host: h:80',
  'Host:',
  'Host: [::1]:8',
  'hOST:\th',
  'Host: a b',
  'Host: u@h',
  'Host : h',
  'Host: h/',
);
const lengthValue = mostly(
  fc.nat(9).map(String),
  '00',
  '05',
  '+5',
  '-1',
  '5 5',
  '5,5',
  '5, 5',
  '0x5',
  '',
  '5.0',
  '99999999999999999999',
  '18446744073709551616',
  ' 5 ',
  '\x0b5',
);
const codingValue = mostly(
  'chunked',
  'CHUNKED',
  ' chunked\t',
  'gzip, chunked',
  'chunked, gzip',
  'chunked, chunked',
  'identity',
  'xchunked',
  ',chunked',
  'chunked;q=1',
  '',
  'chun\x00ked',
  '\x0bchunked',
);
const connection = fc.constantFrom(
  'close',
  'keep-alive',
  'Close',
  'x, close',
  'keep-alive, close',
  'closed',
  ' close ',
  'close,',
  ', close',
);
const expectation = fc.constantFrom('100-continue', '100-Continue', 'x', '100-continue, x');

const otherField = mostly(
  joined(name, colon, value),
  joined('Connection: ', connection),
  joined('Expect: ', expectation),
  joined('Content-Length: ', lengthValue),
  joined('Transfer-Encoding: ', codingValue),
  host,
);
const otherFields = fc.array(joined(otherField, CRLF), { maxLength: 4 }).map((lines) => lines.join(''));
const hostLine = mostly(joined(host, CRLF), '', 'Host: h\r\nHost: h\r\n');

const size = (length: number): Text => {
  const hex = length.toString(16);
  return mostly(
    hex,
    hex.toUpperCase(),
    `0${hex}`,
    `0x${hex}`,
    `${hex} `,
    ` ${hex}`,
    `+${hex}`,
    (length + 1).toString(16),
    'g',
    '',
    `${hex}h`,
    'FFFFFFFFFFFFFFFFF',
    '00000000000000000000',
  );
};
const extension = mostly('', ';a', ';a=b', ';a="b c"', ';', ' ; a', ';a\x00', ';a\tb', ';"', ';a=b;c=d');
const data = fc.stringMatching(/^[a-z\r\n]{1,12}$/);
const chunk = data.chain((text) => joined(size(text.length), extension, CRLF, text, CRLF));
const trailers = mostly('', joined(name, colon, value, CRLF), 'Content-Length: 5\r\n', 'X: y\r\nZ: w\r\n');
const chunks = fc
  .array(chunk, { maxLength: 3 })
  .chain((all) => joined(all.join(''), mostly('0', '00', '0 ', '0x0', ''), extension, CRLF, trailers, CRLF));

/** Content and the field that frames it, mostly in agreement. */
const framed = fc.oneof(
  { arbitrary: fc.constant(['', ''] as const), weight: 3 },
  {
    arbitrary: fc
      .stringMatching(/^[a-zA-Z \r\n]{0,12}$/)
      .map((text) => [`Content-Length: ${text.length}\r\n`, text] as const),
    weight: 3,
  },
  { arbitrary: chunks.map((text) => ['Transfer-Encoding: chunked\r\n', text] as const), weight: 4 },
  {
    arbitrary: fc
      .tuple(codingValue, chunks)
      .map(([coding, text]) => [`Transfer-Encoding:${coding}\r\n`, text] as const),
    weight: 1,
  },
);

const request = fc
  .tuple(
    mostly('', '\r\n', '\r\n\r\n', '\n', ' '),
    joined(method, SP, target, SP, version, CRLF),
    hostLine,
    otherFields,
    framed,
    CRLF,
  )
  .map(
    ([front, line, hosts, fields, [framing, content], end]) =>
      `${front}${line}${hosts}${fields}${framing}${end}${content}`,
  );

/** A mutation at one place. */
interface Change {
  readonly kind: 'insert' | 'delete' | 'replace' | 'repeat' | 'cut';
  readonly at: number;
  readonly byte: string;
}

const interesting = fc.constantFrom(
  '\r',
  '\n',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '0',
  '5',
  'f',
  '\x0b',
  '\x7f',
  '\x80',
  '\xff',
  '?',
  '#',
  '"',
);
const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom('insert', 'delete', 'replace', 'repeat', 'cut'),
  at: fc.nat(100_000),
  byte: fc.oneof(interesting, anyByte),
});

function changed(text: string, { kind, at, byte }: Change): string {
  const place = text.length === 0 ? 0 : at % text.length;
  const [front, back] = [text.slice(0, place), text.slice(place)];
  if (kind === 'insert') return front + byte + back;
  if (kind === 'delete') return front + back.slice(1);
  if (kind === 'replace') return front + byte + back.slice(1);
  if (kind === 'repeat') return front + back.slice(0, 5) + back;
  return front;
}

/** A stream, and where it is split in transit. */
export const stream: fc.Arbitrary<{ readonly text: string; readonly cuts: readonly number[] }> = fc
  .tuple(
    fc.array(request, { minLength: 1, maxLength: 3 }),
    fc.oneof(
      { arbitrary: fc.constant([]), weight: 2 },
      { arbitrary: fc.array(change, { minLength: 1, maxLength: 3 }), weight: 1 },
    ),
    fc.array(fc.nat(400), { maxLength: 4 }),
  )
  .map(([requests, changes, cuts]) => {
    const text = changes.reduce(changed, requests.join(''));
    return { text, cuts: [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b) };
  });

// Cases: limits, files and the responses of applications (RFC 9110 sections 5.4, 13 and 14).

import type { Case, Pattern } from '../case.ts';
import { draft, get, group, post, rejected, responds, SERVED, SERVED_ONCE, UNSPLIT } from './build.ts';

const BOUND = 'an unbounded element lets a client fill the memory';
const TOO_LARGE = [400, 413, 414, 431, 494];
const SPLIT = 'a value that ends its line forges responses (response splitting)';
const VALIDATOR = 'a client with the current page gets 304, any other gets the page';
const RANGE = 'players seek by ranges; wrong bytes corrupt the file';

const BIG_FIELD = (bytes: number): string => get(`X-A: ${'a'.repeat(bytes)}\r\n`);

export const LIMIT_CASES: readonly Case[] = group('limits', { level: 'should', deliveries: ['whole'] }, [
  draft(
    'a request line of 8,000 bytes',
    '9112 3',
    'the RFC recommends at least that',
    get('', `{page}?${'a'.repeat(7_970)}`),
    SERVED,
    { deliveries: UNSPLIT },
  ),
  draft(
    'a request line of 200,000 bytes',
    '9112 3',
    BOUND,
    get('', `{page}?${'a'.repeat(200_000)}`),
    rejected(...TOO_LARGE),
  ),
  draft('a field of 1 MiB', '9110 5.4', BOUND, BIG_FIELD(1_048_576), rejected(...TOO_LARGE)),
  draft(
    '20,000 fields',
    '9110 5.4',
    BOUND,
    get(Array.from({ length: 20_000 }, (_, i) => `X-${i}: v\r\n`).join('')),
    rejected(...TOO_LARGE),
  ),
  draft(
    '2,500 short fields',
    '9110 5.4',
    'a field that is silently dropped may be the one that frames (CVE-2026-58044)',
    `POST /inspect HTTP/1.1\r\nHost: {host}\r\n${Array.from({ length: 2_500 }, (_, i) => `${i.toString(16)}:\r\n`).join('')}X-Last: z\r\nContent-Length: 3\r\n\r\nabc`,
    [rejected(...TOO_LARGE), responds([200], { content: /x-last/i })],
    { level: 'must', needs: ['inspect'], methods: ['POST'] },
  ),
  draft('a field of 200 KiB of spaces', '9110 5.4', `${BOUND}, or time`, get(`X-A:${' '.repeat(204_800)}b\r\n`), [
    rejected(...TOO_LARGE),
    SERVED_ONCE,
  ]),
  draft(
    'an extension of 4 MiB',
    '9112 7.1.1',
    `${BOUND} (CVE-2024-22019)`,
    post('Transfer-Encoding: chunked\r\n', `1;${'a'.repeat(4_194_304)}\r\nx\r\n0\r\n\r\n`),
    rejected(...TOO_LARGE),
    { needs: ['echo'], methods: ['POST'] },
  ),
  draft(
    '4 MiB of zeros in a chunk size',
    '9112 7.1',
    BOUND,
    post('Transfer-Encoding: chunked\r\n', `${'0'.repeat(4_194_304)}1\r\nx\r\n0\r\n\r\n`),
    rejected(...TOO_LARGE),
    { needs: ['echo'], methods: ['POST'] },
  ),
  draft(
    'trailers of 4 MiB',
    '9112 7.1.2',
    BOUND,
    post('Transfer-Encoding: chunked\r\n', `0\r\n${`X-T: ${'a'.repeat(1_000)}\r\n`.repeat(4_200)}\r\n`),
    rejected(...TOO_LARGE),
    { needs: ['echo'], methods: ['POST'] },
  ),
  draft(
    '4 KB of extension on every byte',
    '9112 7.1.1',
    `${BOUND} (CVE-2023-39326)`,
    post('Transfer-Encoding: chunked\r\n', `${`1;${'a'.repeat(4_000)}\r\nx\r\n`.repeat(1_000)}0\r\n\r\n`),
    rejected(...TOO_LARGE),
    { needs: ['echo'], methods: ['POST'] },
  ),
]);

/** Matches `bytes 7-7/8`: the last byte. */
const ONE_BYTE: Pattern = {
  test: (field) => {
    const [, first, last] = /^bytes (\d+)-(\d+)\/\d+$/.exec(field) ?? [];
    return first !== undefined && first === last;
  },
};

/** The values of a repeated field, in their order. */
const IN_ORDER: Pattern = {
  test: (content) => {
    const one = content.indexOf('one');
    return one >= 0 && content.includes('three', one);
  },
};

const inRange = (status: number, field: Pattern): ReturnType<typeof responds> =>
  responds([status], { fields: { 'content-range': field } });

export const FILES: readonly Case[] = group('files', { needs: ['validators'], deliveries: UNSPLIT }, [
  draft('If-None-Match: *', '9110 13.1.2', VALIDATOR, get('If-None-Match: *\r\n'), responds([304])),
  draft('If-None-Match of another tag', '9110 13.1.2', VALIDATOR, get('If-None-Match: "no-such-tag"\r\n'), SERVED_ONCE),
  draft(
    'If-Modified-Since long ago',
    '9110 13.1.3',
    VALIDATOR,
    get('If-Modified-Since: Mon, 01 Jan 1990 00:00:00 GMT\r\n'),
    SERVED_ONCE,
  ),
  draft(
    'If-Modified-Since that is no date',
    '9110 13.1.3',
    'a recipient MUST ignore it',
    get('If-Modified-Since: yesterday\r\n'),
    SERVED_ONCE,
  ),
  draft(
    'If-None-Match wins over If-Modified-Since',
    '9110 13.2.2',
    VALIDATOR,
    get('If-None-Match: "no-such-tag"\r\nIf-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n'),
    SERVED_ONCE,
  ),
  draft(
    'If-Match of another tag',
    '9110 13.1.1',
    'prevents a lost update',
    get('If-Match: "no-such-tag"\r\n'),
    responds([412]),
  ),
  draft('If-Match: *', '9110 13.1.1', VALIDATOR, get('If-Match: *\r\n'), SERVED_ONCE),
  draft(
    'If-Unmodified-Since long ago',
    '9110 13.1.4',
    'prevents a lost update',
    get('If-Unmodified-Since: Mon, 01 Jan 1990 00:00:00 GMT\r\n'),
    responds([412]),
  ),
  draft(
    'If-Unmodified-Since that is no date',
    '9110 13.1.4',
    'a recipient MUST ignore it',
    get('If-Unmodified-Since: soon\r\n'),
    SERVED_ONCE,
  ),
  draft(
    '412 comes before 304',
    '9110 13.2.2',
    VALIDATOR,
    get('If-Match: "no-such-tag"\r\nIf-None-Match: *\r\n'),
    responds([412]),
  ),
  draft(
    '304 has the fields of 200',
    '9110 15.4.5',
    'caches update their stored fields from it',
    get('If-None-Match: *\r\n'),
    responds([304], { fields: { etag: /^(?:W\/)?"[^"]*"$/ } }),
  ),
  draft(
    'HEAD with a condition',
    '9110 13.1.2',
    VALIDATOR,
    get('If-None-Match: *\r\n', '{page}', 'HEAD'),
    responds([304]),
    { methods: ['HEAD'] },
  ),
  draft(
    'If-Range of another tag',
    '9110 13.1.5',
    RANGE,
    get('If-Range: "no-such-tag"\r\nRange: bytes=0-0\r\n'),
    SERVED_ONCE,
  ),
  draft('the first byte', '9110 14.2', RANGE, get('Range: bytes=0-0\r\n'), inRange(206, /^bytes 0-0\/\d+$/), {
    needs: ['ranges'],
    level: 'should',
  }),
  draft('the last byte', '9110 14.1.2', RANGE, get('Range: bytes=-1\r\n'), inRange(206, ONE_BYTE), {
    needs: ['ranges'],
    level: 'should',
  }),
  draft(
    'everything from the second byte',
    '9110 14.1.2',
    RANGE,
    get('Range: bytes=1-\r\n'),
    inRange(206, /^bytes 1-\d+\/\d+$/),
    { needs: ['ranges'], level: 'should' },
  ),
  draft(
    'an end beyond the end',
    '9110 14.1.2',
    RANGE,
    get('Range: bytes=0-99999999999999999999\r\n'),
    [inRange(206, /^bytes 0-\d+\/\d+$/), SERVED_ONCE, responds([416])],
    { needs: ['ranges'] },
  ),
  draft(
    'a beginning beyond the end',
    '9110 15.5.17',
    RANGE,
    get('Range: bytes=18446744073709551616-\r\n'),
    [inRange(416, /^bytes \*\/\d+$/), SERVED_ONCE],
    { needs: ['ranges'] },
  ),
  draft(
    'a range from its end to its beginning',
    '9110 14.1.1',
    'it is invalid and ignored',
    get('Range: bytes=5-2\r\n'),
    [SERVED_ONCE, responds([400, 416])],
    { needs: ['ranges'] },
  ),
  draft(
    'an unknown unit',
    '9110 14.2',
    'an origin server MUST ignore it',
    get('Range: octets=0-0\r\n'),
    [SERVED_ONCE, responds([416])],
    { needs: ['ranges'] },
  ),
  draft(
    'a malformed range',
    '9110 14.2',
    'it is ignored or rejected',
    get('Range: bytes=a-b\r\n'),
    [SERVED_ONCE, responds([400, 416])],
    { needs: ['ranges'], level: 'should' },
  ),
  draft(
    'a range of another method than GET',
    '9110 14.2',
    'ranges are defined for GET only',
    get('Range: bytes=0-0\r\n', '{page}', 'HEAD'),
    SERVED_ONCE,
    { needs: ['ranges'], methods: ['HEAD'] },
  ),
  draft(
    'an unsatisfied condition wins over a range',
    '9110 13.2.2',
    VALIDATOR,
    get('If-None-Match: *\r\nRange: bytes=0-0\r\n'),
    responds([304]),
    { needs: ['validators', 'ranges'] },
  ),
]);

export const APPLICATIONS: readonly Case[] = group('application', { deliveries: ['whole'] }, [
  ...(
    [
      ['CR and LF', '%0d%0a'],
      ['LF', '%0a'],
      ['CR', '%0d'],
      ['NUL', '%00'],
    ] as const
  ).map(([name, code]) =>
    draft(
      `${name} in a value that the application sets`,
      '9110 5.5',
      SPLIT,
      get('', `/setheader?v=a${code}X-Injected:%201`),
      [
        responds([200, 400, 500], { fields: { 'x-injected': null, 'x-val': null } }),
        responds([200, 400, 500], { fields: { 'x-injected': null, 'x-val': /^[^\r\n\0]*$/ } }),
      ],
      { needs: ['setHeader'] },
    ),
  ),
  draft(
    'an application that fails before it responds',
    '9110 15.6.1',
    'the client must get a response, and the next client is served',
    get('', '/throw'),
    responds([500, 502, 503]),
    { needs: ['throws'] },
  ),
  draft(
    'the target as it was sent',
    '9112 3.2',
    'an application that gets a changed target checks the wrong target',
    get('', '/inspect?a=%41&b=%2f%2e%2e'),
    responds([200], { content: /\/inspect\?a=%41&b=%2f%2e%2e/ }),
    { level: 'should', needs: ['inspect'] },
  ),
  draft(
    'repeated fields, in order',
    '9110 5.3',
    'the order may matter, and no line may get lost',
    get('X-A: one\r\nX-B: two\r\nX-A: three\r\n', '/inspect'),
    responds([200], { content: IN_ORDER }),
    { needs: ['inspect'] },
  ),
  draft(
    'names of object properties',
    '9110 5.1',
    'a field named __proto__ crashes servers that store fields in objects (CVE-2026-21710)',
    get('__proto__: p\r\nconstructor: c\r\nhasOwnProperty: h\r\n', '/inspect'),
    responds([200], { content: /inspect/ }),
    { needs: ['inspect'] },
  ),
  draft(
    '1 MiB of content',
    '9112 6.3',
    'the announced length is sent',
    get('', '/bytes?n=1048576'),
    responds([200], { contents: ['x'.repeat(1_048_576)], after: 'open' }),
    { needs: ['bytes'], deliveries: UNSPLIT },
  ),
  draft(
    'a response without content',
    '9110 8.6',
    'zero is a length',
    get('', '/bytes?n=0'),
    responds([200], { contents: [''], after: 'open' }),
    { needs: ['bytes'] },
  ),
]);

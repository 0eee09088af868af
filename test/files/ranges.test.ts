// Tests which bytes a Range gets, of files in memory and on disk, and that no response is larger than its file.

import { utimes } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { selectRanges } from '../../src/files/byte-ranges.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import type { Answer } from '../support/response.ts';
import { type Site, start } from '../support/serving.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz';
const BIG = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 251));

async function startFiles(): Promise<Site> {
  const root = await folder({ 'a.txt': ALPHABET, 'big.bin': BIG, 'empty.txt': '' });
  for (const name of ['a.txt', 'big.bin']) await utimes(`${root}/${name}`, 784_111_777, 784_111_777);
  return start({ static: root });
}

const range = (port: number, value: string, target = '/a.txt', ...lines: readonly string[]): Promise<Answer> =>
  ask(port, get(target, `Range: ${value}`, ...lines));

test.each([
  ['bytes=0-4', 0, 4],
  ['bytes=25-', 25, 25],
  ['bytes=-5', 21, 25],
  ['bytes=-100', 0, 25],
  ['bytes=20-1000', 20, 25],
  ['bytes=0-99999999999999999999', 0, 25],
  ['bytes=0000000000000000003-4', 3, 4],
  ['bytes= 1-2 ', 1, 2],
  ['bytes=0-10,5-15', 0, 15],
  ['bytes=3-4,99-100', 3, 4],
])('%s gets one part', async (value, first, last) => {
  const { port } = await startFiles();
  const answer = await range(port, value);
  expect(answer).toMatchObject({ status: 206, text: ALPHABET.slice(first, last + 1), framing: 'length' });
  expect(answer.field('content-range')).toBe(`bytes ${first}-${last}/26`);
  expect(answer.field('etag')).toBe((await ask(port, get('/a.txt'))).field('etag'));
});

test.each(['bytes=26-', 'bytes=-0', 'bytes=99-100,-0', 'bytes=18446744073709551616-'])(
  '%s gets 416 with the length of the file',
  async (value) => {
    const { port } = await startFiles();
    const answer = await range(port, value);
    expect(answer.status).toBe(416);
    expect(answer.field('content-range')).toBe('bytes */26');
  },
);

test.each([
  'bytes=',
  'bytes=a-b',
  'bytes=5-2',
  'bytes=1.5-3',
  'bytes=+1-3',
  'bytes=0-4-8',
  'bytes=0x0-4',
  'bytes=--5',
  'bytes=0-1;2',
  'bytes 0-4',
  'octets=0-4',
  `bytes=${'0-0,'.repeat(65)}`,
  `bytes=${Array.from({ length: 13 }, (_, i) => `${i * 2}-${i * 2}`).join()},${'1000-,'.repeat(60)}`,
])('%s is ignored', async (value) => {
  const { port } = await startFiles();
  expect(await range(port, value)).toMatchObject({ status: 200, text: ALPHABET });
});

test('an empty file has no valid range', async () => {
  const { port } = await startFiles();
  expect((await range(port, 'bytes=0-', '/empty.txt')).status).toBe(416);
});

test('HEAD ignores a range, and so does If-Range with another tag', async () => {
  const { port } = await startFiles();
  const head = await ask(port, get('/a.txt', 'Range: bytes=0-4').replace('GET', 'HEAD'), { head: true });
  expect([head.status, head.field('content-length')]).toEqual([200, '26']);
  const date = 'Sun, 06 Nov 1994 08:49:37 GMT';
  const etag = (await ask(port, get('/a.txt'))).field('etag') ?? '';
  for (const [value, status] of [
    [etag, 206],
    [date, 206],
    ['"x"', 200],
    [`W/${etag}`, 200],
    ['Sun, 06 Nov 1994 08:49:38 GMT', 200],
  ] as const) {
    expect((await range(port, 'bytes=0-4', '/a.txt', `If-Range: ${value}`)).status, value).toBe(status);
  }
});

/** The parts of a multipart response: Content-Range and bytes. */
function partsOf(answer: Answer): readonly (readonly [string, Buffer])[] {
  const boundary = /^multipart\/byteranges; boundary=([\w-]{20,70})$/.exec(answer.field('content-type') ?? '')?.[1];
  const text = answer.content.toString('latin1');
  const pieces = text.split(`--${boundary}`);
  expect(pieces.at(-1)).toBe('--\r\n');
  expect(pieces[0]).toBe('');
  return pieces.slice(1, -1).map((piece) => {
    const [head = '', ...rest] = piece.split('\r\n\r\n');
    const bytes = Buffer.from(rest.join('\r\n\r\n').slice(0, -2), 'latin1');
    return [/Content-Range: bytes (\S+)/.exec(head)?.[1] ?? '', bytes];
  });
}

test('several ranges are sent as multipart/byteranges, in the requested order', async () => {
  const { port } = await startFiles();
  const answer = await range(port, 'bytes=20-21, 0-1 ,, -2');
  expect([answer.status, answer.framing]).toEqual([206, 'length']);
  expect(partsOf(answer).map(([where, bytes]) => [where, bytes.toString()])).toEqual([
    ['20-21/26', 'uv'],
    ['0-1/26', 'ab'],
    ['24-25/26', 'yz'],
  ]);
});

test('ranges of a file that is not in memory are read from disk', async () => {
  const { port } = await startFiles();
  const one = await range(port, 'bytes=150000-299998', '/big.bin');
  expect(one.content.equals(BIG.subarray(150_000, 299_999))).toBe(true);
  const several = partsOf(await range(port, 'bytes=-3,100-200000,0-0', '/big.bin'));
  expect(several.map(([where]) => where)).toEqual(['299997-299999/300000', '100-200000/300000', '0-0/300000']);
  expect(several[1]?.[1].equals(BIG.subarray(100, 200_001))).toBe(true);
});

test('the ranges of a seeking browser are sent on one connection', async () => {
  const { connect } = await startFiles();
  const client = await connect();
  const first = await client.send(get('/big.bin', 'Range: bytes=0-')).readResponse();
  expect([first.status, first.content.length]).toEqual([206, BIG.length]);
  for (const at of [299_000, 5, 123_456]) {
    const etag = first.field('etag');
    const answer = await client.send(get('/big.bin', `Range: bytes=${at}-`, `If-Range: ${etag}`)).readResponse();
    expect(answer.content.equals(BIG.subarray(at)), `from ${at}`).toBe(true);
  }
});

test('merged ranges cover each requested byte once', () => {
  const asked: readonly (readonly [string, number, number])[] = [
    ['0-0', 0, 0],
    ['0-4', 0, 4],
    ['5-', 5, 25],
    ['-3', 23, 25],
    ['2-9', 2, 9],
    ['11-12', 11, 12],
    ['9-99', 9, 25],
    ['30-40', 0, -1],
    ['-0', 0, -1],
  ];
  for (const a of asked) {
    for (const b of asked) {
      for (const c of asked) {
        const field = `bytes=${a[0]},${b[0]},${c[0]}`;
        const isAsked = (at: number): boolean => [a, b, c].some(([, start, end]) => start <= at && at <= end);
        const bytes = Array.from({ length: 26 }, (_, at) => at).filter(isAsked);
        const starts = bytes.filter((at) => !bytes.includes(at - 1));
        const ends = bytes.filter((at) => !bytes.includes(at + 1));
        const expected = starts.map((start, i) => ({ start, end: ends[i] }));
        const selected = selectRanges(field, 26);
        const found = typeof selected === 'string' ? selected : [...selected].sort((x, y) => x.start - y.start);
        expect(found, field).toEqual(bytes.length === 0 ? 'unsatisfiable' : expected);
      }
    }
  }
});

// Tests that forms are parsed as by Node's own parser, for any split of their bytes, with one copy in memory.

import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { MultipartParser } from '../../src/fetch/multipart.ts';
import { fetchHandler, Response } from '../../src/fetch.ts';
import { ask, post } from '../support/client.ts';
import { collect } from '../support/collect.ts';
import { startHandler } from '../support/serving.ts';
import { pause } from '../support/until.ts';

const NodeResponse: typeof globalThis.Response = Reflect.get(globalThis, 'Response');

const BOUNDARY = '----formdata-undici-0123456789ab';
const TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

/** The body of a form: parts, each between boundaries. */
function body(...parts: readonly string[]): string {
  return `${parts.map((part) => `--${BOUNDARY}\r\n${part}\r\n`).join('')}--${BOUNDARY}--\r\n`;
}

const TEXT = 'Content-Disposition: form-data; name="a"\r\n\r\nb';
const FILE =
  'Content-Disposition: form-data; name="f"; filename="x.png"\r\nContent-Type: image/png\r\n\r\n\x00\xffdata';

async function entriesOf(form: FormData): Promise<unknown> {
  const entries = [...form.entries()].map(async ([name, value]) =>
    typeof value === 'string' ? [name, value] : [name, value.name, value.type, await value.text()],
  );
  return Promise.all(entries);
}

const FORMS: readonly (readonly [string, string])[] = [
  ['a text', body(TEXT)],
  ['a file', body(FILE)],
  ['many, of one name', body(TEXT, FILE, TEXT, FILE)],
  ['without the last line end', body(TEXT).slice(0, -2)],
  ['an empty text', body('Content-Disposition: form-data; name="a"\r\n\r\n')],
  ['an empty file', body('Content-Disposition: form-data; name="a"; filename=""\r\n\r\n')],
  ['UTF-8, and a byte order mark', body('Content-Disposition: form-data; name="\xc3\xa4"\r\n\r\n\xef\xbb\xbf\xc3\xb6')],
  ['what is no UTF-8', body('Content-Disposition: form-data; name="a"\r\n\r\n\xff\xfe')],
  ['escapes in names', body('Content-Disposition: form-data; name="a%22%0D%0Ab%41"; filename="%22"\r\n\r\nx')],
  ['fields in other cases', body('cOntent-dispositioN: form-data; name="a"\r\nX-Other: 1\r\n\r\nb')],
  ['line ends in front', `\r\n\r\n${body(TEXT)}`],
  ['base64', body(`Content-Transfer-Encoding: base64\r\n${TEXT.slice(0, -1)}aGVs\r\nbG8=`)],
  ['a file in base64', body(FILE.replace('\r\n\r\n\x00\xff', '\r\nContent-Transfer-Encoding: base64\r\n\r\n'))],
  [
    'content that looks like its boundary',
    body(`Content-Disposition: form-data; name="a"\r\n\r\n\r\n--${BOUNDARY.slice(0, -1)}x\r\n`),
  ],
];

describe.each(FORMS)('%s', (_what, text) => {
  const bytes = Buffer.from(text, 'latin1');
  const headers = { 'Content-Type': TYPE };

  test('is the same as from Node’s parser', async () => {
    const ours = await entriesOf(await new Response(bytes, { headers }).formData());
    expect(ours).toEqual(await entriesOf(await new NodeResponse(bytes, { headers }).formData()));
  });

  test('is the same for any split', async () => {
    const whole = await entriesOf(await new Response(bytes, { headers }).formData());
    for (const size of [1, 2, 3, 7, 64]) {
      const parser = new MultipartParser(BOUNDARY);
      for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size));
      expect(await entriesOf(parser.end()), `pieces of ${size}`).toEqual(whole);
    }
  });
});

const BROKEN: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['no boundary in front', TEXT],
  ['another boundary', body(TEXT).replace('----form', '----firm')],
  ['no end', body(TEXT).slice(0, -6)],
  ['an end in its boundary', body(TEXT).slice(0, -12)],
  ['fields without an end', `--${BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n`],
  ['a part without a name', body('Content-Type: text/plain\r\n\r\nb')],
  ['another disposition', body('Content-Disposition: attachment; name="a"\r\n\r\nb')],
  ['a name without its end', body('Content-Disposition: form-data; name="a\r\n\r\nb')],
  ['a file name without its end', body('Content-Disposition: form-data; name="a"; filename="b\r\n\r\nc')],
  ['a name with text after it', body(TEXT.replace('"a"', '"a\\"b"'))],
  ['a file name with text after it', body(FILE.replace('x.png', 'x\\"y.png'))],
  ['a parameter without a value', body(TEXT.replace('"a"', '"a"; filename'))],
  ['a file name in another charset', body(TEXT.replace('"a"', '"a"; filename*=latin1\'\'%e4'))],
  ['a field without a colon', body(`nonsense\r\n${TEXT}`)],
  ['text behind a boundary', body(TEXT).replace(`${BOUNDARY}\r\n`, `${BOUNDARY}x\r\n`)],
];

test.each(BROKEN)('%s is a TypeError, as Node’s', async (_what, text) => {
  const bytes = Buffer.from(text, 'latin1');
  const headers = { 'Content-Type': TYPE };
  await expect(new NodeResponse(bytes, { headers }).formData()).rejects.toThrow(TypeError);
  await expect(new Response(bytes, { headers }).formData()).rejects.toThrow(TypeError);
});

test.each(['multipart/form-data', 'text/plain', 'nonsense', ''])('the type %j is that of no form', async (type) => {
  const response = new Response(body(TEXT), { headers: { 'Content-Type': type } });
  await expect(response.formData()).rejects.toThrow(TypeError);
  expect(response.bodyUsed).toBe(true);
});

test('a type of more than 1,024 characters is not parsed: node’s parser takes quadratic time for white space', async () => {
  const typed = (blanks: number): Response =>
    new Response(body(TEXT), { headers: { 'Content-Type': `${TYPE};${' '.repeat(blanks)}x=y` } });
  const rest = TYPE.length + ';x=y'.length;
  expect(await entriesOf(await typed(1_024 - rest).formData())).toEqual([['a', 'b']]);
  await expect(typed(1_025 - rest).formData()).rejects.toThrow(
    'has 1025 characters, which is more than the 1024 of a form',
  );
});

/** File names as other clients than browsers write them: none of these parts may become a text. */
const NAMED: readonly (readonly [string, string])[] = [
  ['name=a; filename=b.txt', 'b.txt'],
  ['name="a";filename="b.txt"', 'b.txt'],
  ['filename="b.txt"; name="a"', 'b.txt'],
  ['name="a"; size=1; filename="b;c=d.txt"; other="x"', 'b;c=d.txt'],
  ['name="a"; filename*=utf-8\'\'%e2%82%ac.txt', '€.txt'],
  ['name="a"; filename="b.txt"; filename*=UTF-8\'en\'%e2%82%ac.txt;', '€.txt'],
  ['name="a"; filename="b.txt"; filename*=utf-8\'\'%ff', 'b.txt'],
];

test.each(NAMED)('a part with %s is a file', async (parameters, fileName) => {
  const text = body(`Content-Disposition: Form-Data; ${parameters}\r\n\r\nx`);
  const form = await new Response(text, { headers: { 'Content-Type': TYPE } }).formData();
  expect(await entriesOf(form)).toEqual([['a', fileName, 'text/plain', 'x']]);
});

test('fields of a part have a limit, and content after the last boundary is rejected', async () => {
  const headers = { 'Content-Type': TYPE };
  for (const text of [body(`X: ${'x'.repeat(17_000)}\r\n${TEXT}`), `${body(TEXT)}epilogue`]) {
    await expect(new Response(text, { headers }).formData()).rejects.toThrow(/the multipart form is malformed/);
  }
});

test('parameters are parsed as Node does it', async () => {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded;charset=UTF-8' };
  for (const text of ['a=1&b=2&a=3', '\ufeffa=%ff+%C3%A4', '', '&=&a']) {
    const ours = await entriesOf(await new Response(text, { headers }).formData());
    expect(ours).toEqual(await entriesOf(await new NodeResponse(text, { headers }).formData()));
  }
});

test('a form is parsed as it arrives, and a large file is whole', async () => {
  const content = randomBytes(3_000_000);
  const handler = fetchHandler(
    async (request) => {
      const file = (await request.formData()).get('f');
      const isSame = file instanceof File && Buffer.from(await file.arrayBuffer()).equals(content);
      return new Response(`${isSame}`);
    },
    { overrideGlobals: false },
  );
  const { port } = await startHandler(handler);
  const [front = '', behind = ''] = body(FILE).split('\x00\xffdata');
  const text = front + content.toString('latin1') + behind;
  expect((await ask(port, post('/', text, `Content-Type: ${TYPE}`))).text).toBe('true');
});

test('a malformed form is not read further, and one beyond maxBodyBytes is rejected', async () => {
  const handler = fetchHandler(
    async (request) => new Response(await request.formData().then(String, (error: unknown) => String(error))),
    { overrideGlobals: false },
  );
  const { port } = await startHandler(handler, { limits: { maxBodyBytes: 1_000 } });
  const answer = await ask(port, post('/', 'nonsense', `Content-Type: ${TYPE}`));
  expect(answer.text).toMatch(/^TypeError: formData: the multipart form is malformed: /);
  const large = body(`${TEXT}${'x'.repeat(2_000)}`);
  expect((await ask(port, post('/', large, `Content-Type: ${TYPE}`))).status).toBe(413);
});

/** The most memory of buffers that is kept, beside the content, while a file of `bytes` is read as a form. */
async function peakOf(bytes: number): Promise<number> {
  const kept = (): number => {
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  // Buffers of earlier files are freed in the background.
  for (let at = kept(), last = Infinity; at < last; at = kept()) {
    last = at;
    await pause(20);
  }
  const piece = new Uint8Array(65_536).fill(97);
  const [front = '', behind = ''] = body(FILE).split('\x00\xffdata');
  let left = bytes / piece.length;
  let peak = 0;
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new Uint8Array(Buffer.from(front))),
    pull: (controller) => {
      if (left % 128 === 0) peak = Math.max(peak, kept());
      if (left-- > 0) return controller.enqueue(piece);
      controller.enqueue(new Uint8Array(Buffer.from(behind)));
      controller.close();
    },
  });
  const form = await new Response(stream, { headers: { 'Content-Type': TYPE } }).formData();
  const beside = peak - kept();
  // The content is kept until here.
  expect(form.get('f')).toMatchObject({ size: bytes });
  return beside;
}

test('a large file is never held in one piece', async () => {
  expect(await peakOf(64 * 1_048_576)).toBeLessThan(32 * 1_048_576);
});

// Tests Response by the Fetch standard: each rule of its algorithms, for the light class and for Node's.

import { describe, expect, test } from 'vitest';
import { Response as Light } from '../../src/fetch.ts';
import { construct, IMPLEMENTATIONS } from './implementations.ts';

const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text));

function stream(...pieces: readonly unknown[]): ReadableStream {
  return new ReadableStream({
    start: (controller) => {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}

async function* pieces(): AsyncGenerator<Uint8Array> {
  yield bytes('ab');
  yield bytes('c');
}

describe.each(IMPLEMENTATIONS)('$name Response', ({ Response }) => {
  test('without arguments has status 200 and no body', async () => {
    const response = new Response();
    expect(response).toMatchObject({
      status: 200,
      ok: true,
      statusText: '',
      type: 'default',
      url: '',
      redirected: false,
    });
    expect([response.body, response.bodyUsed, [...response.headers]]).toEqual([null, false, []]);
    expect([await response.text(), await response.text(), response.bodyUsed]).toEqual(['', '', false]);
    expect((await response.arrayBuffer()).byteLength).toBe(0);
    expect((await response.blob()).size).toBe(0);
    await expect(response.json()).rejects.toThrow(SyntaxError);
    expect(new Response(null).body).toBe(null);
    expect(new Response(undefined).body).toBe(null);
  });

  test.each([[199], [600], [0], [1000], [-1], [101], [Number.NaN]])('refuses the status %d', (status) => {
    expect(() => new Response('', { status })).toThrow(RangeError);
    expect(() => new Response(null, { status })).toThrow(RangeError);
  });

  test.each([[204], [205], [304]])('with status %d carries nothing', (status) => {
    expect(() => new Response('', { status })).toThrow(TypeError);
    expect(new Response(null, { status }).status).toBe(status);
  });

  test.each([['a\nb'], ['Ā'], ['\0'], ['\x7f']])('refuses the statusText %j', (statusText) => {
    expect(() => new Response('', { statusText })).toThrow(TypeError);
  });

  test('accepts status, statusText and headers', () => {
    const response = new Response('x', { status: 404, statusText: 'N\xf6pe', headers: { A: 'b' } });
    expect(response).toMatchObject({ status: 404, ok: false, statusText: 'N\xf6pe' });
    expect(response.headers.get('a')).toBe('b');
    expect(Reflect.construct(Response, ['x', { status: '201' }])).toMatchObject({ status: 201 });
    expect(new Response('', { status: 299 }).ok).toBe(true);
    expect(new Response('', { status: 300 }).ok).toBe(false);
  });

  test.each([[1], ['x'], [true]])('refuses the init %j', (init) => {
    expect(() => construct(Response, 'x', init)).toThrow(TypeError);
  });

  test('rejects invalid headers', () => {
    expect(() => construct(Response, 'x', { headers: null })).toThrow(TypeError);
    expect(() => new Response('x', { headers: { 'a b': 'c' } })).toThrow(TypeError);
  });

  const buffer = Buffer.from('xabcx');
  test.each([
    ['text', () => 'abc', 'text/plain;charset=UTF-8'],
    ['a number', () => 123, 'text/plain;charset=UTF-8'],
    ['an ArrayBuffer', () => bytes('abc').buffer, null],
    ['bytes', () => bytes('abc'), null],
    ['a part of a buffer', () => buffer.subarray(1, 4), null],
    ['a DataView', () => new DataView(bytes('xabcx').buffer, 1, 3), null],
    ['a Blob', () => new Blob(['abc']), null],
    ['a Blob with a type', () => new Blob(['abc'], { type: 'a/b' }), 'a/b'],
    ['parameters', () => new URLSearchParams({ a: 'b' }), 'application/x-www-form-urlencoded;charset=UTF-8'],
    ['a stream', () => stream(bytes('ab'), bytes('c')), null],
    ['an async iterable', pieces, null],
  ])('of %s', async (what, make, type) => {
    const text = what === 'parameters' ? 'a=b' : what === 'a number' ? '123' : 'abc';
    const create = (init = {}): Light => Reflect.construct(Response, [make(), init]);
    expect(create().headers.get('content-type')).toBe(type);
    expect(create({ headers: { 'Content-Type': 'x/y' } }).headers.get('content-type')).toBe('x/y');
    expect(await create().text()).toBe(text);
    expect(Buffer.from(await create().arrayBuffer()).toString()).toBe(text);
    expect(await (await create().blob()).text()).toBe(text);
    const response = create();
    expect(response.bodyUsed).toBe(false);
    const { body } = response;
    expect(body).toBeInstanceOf(ReadableStream);
    expect(response.body).toBe(body);
    let read = '';
    for await (const piece of body ?? []) read += Buffer.from(piece).toString();
    expect([read, response.bodyUsed]).toEqual([text, true]);
  });

  test('of a form has its boundary, and can be parsed as the same form', async () => {
    const form = new FormData();
    form.append('a', 'b');
    form.append('file', new Blob(['c']), 'name');
    const response = new Response(form);
    expect(response.headers.get('content-type')).toMatch(/^multipart\/form-data; boundary=/);
    const back = await response.formData();
    expect(back.get('a')).toBe('b');
    expect(back.get('file')).toMatchObject({ name: 'name', size: 1 });
    const parameters = await new Response(new URLSearchParams('a=1&b=2&a=3')).formData();
    expect(parameters.getAll('a')).toEqual(['1', '3']);
  });

  test('copies bytes: later changes to them have no effect', async () => {
    const given = bytes('abc');
    const response = new Response(given);
    given[0] = 0;
    expect(await response.text()).toBe('abc');
  });

  test('rejects a stream that is locked or was read', async () => {
    const locked = stream(bytes('x'));
    locked.getReader();
    expect(() => new Response(locked)).toThrow(TypeError);
    const read = stream(bytes('x'));
    const reader = read.getReader();
    await reader.read();
    reader.releaseLock();
    expect(() => new Response(read)).toThrow(TypeError);
  });

  test.each([['text'], ['json'], ['arrayBuffer'], ['blob'], ['formData']])('is read by %s once', async (method) => {
    const read = (response: object): Promise<unknown> => Reflect.apply(Reflect.get(response, method), response, []);
    for (const body of [() => '1', () => bytes('1'), () => stream(bytes('1'))]) {
      const response = new Response(body());
      await read(response).catch(() => {});
      expect(response.bodyUsed).toBe(true);
      await expect(read(response)).rejects.toThrow(TypeError);
      expect(() => response.clone()).toThrow(TypeError);
      expect(response.body?.locked).toBe(true);
    }
  });

  test('cannot be read while another reader holds it', async () => {
    const response = new Response('abc');
    const reader = response.body?.getReader();
    expect(response.bodyUsed).toBe(false);
    await expect(response.text()).rejects.toThrow(TypeError);
    expect(() => response.clone()).toThrow(TypeError);
    reader?.releaseLock();
    expect(await response.text()).toBe('abc');
  });

  test('counts as used after it was cancelled', async () => {
    const response = new Response('abc');
    await response.body?.cancel();
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toThrow(TypeError);
  });

  test('of a stream of anything but Uint8Arrays cannot be read', async () => {
    for (const piece of ['x', 7, null, {}]) await expect(new Response(stream(piece)).text()).rejects.toThrow(TypeError);
  });

  test('rejects with the error of its stream', async () => {
    const failing = new ReadableStream({ pull: () => Promise.reject(new Error('boom')) });
    await expect(new Response(failing).text()).rejects.toThrow('boom');
  });

  test('decodes UTF-8: without byte order mark, with U+FFFD for invalid bytes', async () => {
    expect(await new Response('\ufeffabc').text()).toBe('abc');
    expect(await new Response(new Uint8Array([0x61, 0xff, 0x62])).text()).toBe('a\ufffdb');
    expect(await new Response('a\ud800b').text()).toBe('a\ufffdb');
    expect(await new Response('\ufeff{"a":1}').json()).toEqual({ a: 1 });
  });

  test('gives a Blob the type of its headers', async () => {
    expect((await new Response('x').blob()).type).toBe('text/plain;charset=utf-8');
    expect((await new Response(bytes('x')).blob()).type).toBe('');
  });

  test.each([
    ['text', () => 'abc'],
    ['bytes', () => bytes('abc')],
    ['a stream', () => stream(bytes('abc'))],
  ])('of %s is cloned: both can be read, headers are apart', async (_what, body) => {
    const response = new Response(body(), { status: 201, statusText: 'X', headers: { a: 'b' } });
    const clone = response.clone();
    response.headers.set('a', 'c');
    expect(clone).toMatchObject({ status: 201, statusText: 'X' });
    expect(clone.headers.get('a')).toBe('b');
    expect(await Promise.all([response.text(), clone.text()])).toEqual(['abc', 'abc']);
  });

  test('a stream that was read from body before cloning belongs to the clone', async () => {
    const response = new Response('abc');
    expect(response.body).toBeInstanceOf(ReadableStream);
    const clone = response.clone();
    expect(await clone.text()).toBe('abc');
    expect(await response.text()).toBe('abc');
  });

  test('error() is status 0 with immutable headers', () => {
    const response = Response.error();
    expect(response).toMatchObject({ type: 'error', status: 0, statusText: '', ok: false, body: null });
    expect(() => response.headers.append('a', 'b')).toThrow(TypeError);
  });

  test('redirect() has a Location', () => {
    const response = Response.redirect('http://a/b c', 301);
    expect([response.status, response.headers.get('location')]).toEqual([301, 'http://a/b%20c']);
    expect(() => response.headers.append('a', 'b')).toThrow(TypeError);
    expect(Response.redirect('http://a').status).toBe(302);
    expect(() => Response.redirect('http://a', 200)).toThrow(RangeError);
    expect(() => Response.redirect('http://')).toThrow(TypeError);
  });

  test('json() sets the type of JSON, unless the init has another', async () => {
    const response = Response.json({ a: 'ä' });
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({ a: 'ä' });
    const other = Response.json(1, { status: 201, headers: { 'content-type': 'a/b' } });
    expect([other.status, other.headers.get('content-type'), await other.text()]).toEqual([201, 'a/b', '1']);
    expect(() => Response.json(undefined)).toThrow(TypeError);
    expect(() => Response.json(Symbol('x'))).toThrow(TypeError);
    expect(() => Response.json({}, { status: 204 })).toThrow(TypeError);
    const circle: Record<string, unknown> = {};
    circle['circle'] = circle;
    expect(() => Response.json(circle)).toThrow(TypeError);
  });

  test('its stream can be read into a buffer of the reader’s own', async () => {
    const reader = new Response('abc').body?.getReader({ mode: 'byob' });
    const first = await reader?.read(new Uint8Array(2));
    expect(Buffer.from(first?.value ?? []).toString()).toBe('ab');
    const second = await reader?.read(new Uint8Array(2));
    expect(Buffer.from(second?.value ?? []).toString()).toBe('c');
    expect((await reader?.read(new Uint8Array(2)))?.done).toBe(true);
  });

  test('has a string tag', () => {
    expect(Object.prototype.toString.call(new Response())).toBe('[object Response]');
    expect(Response.name).toBe('Response');
  });
});

test('light and Node’s instances pass instanceof of both classes, but subclasses only have their own', () => {
  const Native: typeof globalThis.Response = Reflect.get(globalThis, 'Response');
  class Own extends Light {}
  expect(new Light() instanceof Native).toBe(true);
  expect(new Native() instanceof Light).toBe(true);
  expect(new Own() instanceof Light).toBe(true);
  expect(new Light() instanceof Own).toBe(false);
});

test('a light Response removes one byte order mark, but no second one (Node’s removes both)', async () => {
  expect(await new Light(bytes('\ufeff\ufeffabc')).text()).toBe('\ufeffabc');
  expect(await new Light('\ufeff\ufeffabc').text()).toBe('\ufeffabc');
});

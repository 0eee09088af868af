// Tests Request by the Fetch standard: each rule of its constructor, for the light class and for Node's.

import { describe, expect, test } from 'vitest';
import { Request as Light } from '../../src/fetch.ts';
import { construct, IMPLEMENTATIONS } from './implementations.ts';

const URL_TEXT = 'http://a/b?c';

function stream(text: string): ReadableStream {
  return new ReadableStream({
    start: (controller) => {
      controller.enqueue(new Uint8Array(Buffer.from(text)));
      controller.close();
    },
  });
}

describe.each(IMPLEMENTATIONS)('$name Request', ({ Request, Response }) => {
  test('of a URL is a GET with the defaults of the standard', async () => {
    const request = new Request('HTTP://A:80/b/../c?d#e');
    expect(request).toMatchObject({
      method: 'GET',
      url: 'http://a/c?d#e',
      mode: 'cors',
      credentials: 'same-origin',
      cache: 'default',
      redirect: 'follow',
      referrer: 'about:client',
      referrerPolicy: '',
      integrity: '',
      keepalive: false,
      destination: '',
      duplex: 'half',
      bodyUsed: false,
    });
    expect([request.body, [...request.headers], request.signal.aborted]).toEqual([null, [], false]);
    expect(await request.text()).toBe('');
    expect(new Request(new URL(URL_TEXT)).url).toBe(URL_TEXT);
  });

  test.each([['/relative'], ['http://user@a'], ['http://:pass@a'], ['http://[']])('refuses the URL %s', (url) => {
    expect(() => new Request(url)).toThrow(TypeError);
  });

  test.each([
    ['get', 'GET'],
    ['pOsT', 'POST'],
    ['foo', 'foo'],
    ['Query', 'Query'],
  ])('writes the method %s as %s', (given, method) => {
    expect(new Request(URL_TEXT, { method: given }).method).toBe(method);
  });

  test.each([['CONNECT'], ['trace'], ['Track'], ['a b'], [''], ['é'], ['Ā']])('refuses the method %j', (method) => {
    expect(() => new Request(URL_TEXT, { method })).toThrow(TypeError);
  });

  test.each([
    ['mode', 'nonsense'],
    ['credentials', 'nonsense'],
    ['cache', 'nonsense'],
    ['redirect', 'nonsense'],
    ['referrerPolicy', 'nonsense'],
    ['window', 'x'],
    ['duplex', 'full'],
    ['signal', {}],
    ['signal', 'x'],
    ['referrer', 'http://['],
    ['headers', null],
  ])('refuses %s: %j', (name, value) => {
    expect(() => construct(Request, URL_TEXT, { [name]: value })).toThrow(TypeError);
  });

  test('accepts modes and the like', () => {
    const init = {
      mode: 'same-origin',
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'manual',
      referrerPolicy: 'origin',
      integrity: 'sha256-x',
      keepalive: true,
    };
    const request = new Request(URL_TEXT, Object(init));
    expect(request).toMatchObject(init);
    expect(new Request(request)).toMatchObject(init);
    expect(new Request(request, { redirect: 'error' })).toMatchObject({
      ...init,
      redirect: 'error',
      referrerPolicy: '',
    });
    expect(new Request(request, { method: 'PUT' })).toMatchObject({ ...init, referrerPolicy: '' });
    expect(new Request('http://x/', request)).toMatchObject({ ...init, url: 'http://x/' });
    expect(request.clone()).toMatchObject(init);
  });

  test.each([['GET'], ['HEAD']])('a %s carries nothing', (method) => {
    expect(() => new Request(URL_TEXT, { method, body: 'x' })).toThrow(TypeError);
    expect(() => new Request(URL_TEXT, { method, body: '' })).toThrow(TypeError);
    expect(new Request(URL_TEXT, { method, body: null }).body).toBe(null);
  });

  test('a POST carries its body, with its type', async () => {
    const request = new Request(URL_TEXT, { method: 'POST', body: 'äbc' });
    expect(request.headers.get('content-type')).toBe('text/plain;charset=UTF-8');
    expect(request.body).toBeInstanceOf(ReadableStream);
    expect(await request.text()).toBe('äbc');
    expect(request.bodyUsed).toBe(true);
    await expect(request.text()).rejects.toThrow(TypeError);
    const typed = new Request(URL_TEXT, { method: 'POST', body: '{"a":1}', headers: { 'Content-Type': 'x/y' } });
    expect([typed.headers.get('content-type'), await typed.json()]).toEqual(['x/y', { a: 1 }]);
  });

  test('a stream needs duplex', async () => {
    expect(() => new Request(URL_TEXT, { method: 'POST', body: stream('x') })).toThrow(TypeError);
    const request = new Request(URL_TEXT, { method: 'POST', body: stream('abc'), duplex: 'half' });
    expect(request.headers.get('content-type')).toBe(null);
    expect(await request.text()).toBe('abc');
  });

  test('a stream that is locked or was read is rejected', () => {
    const locked = stream('x');
    locked.getReader();
    expect(() => new Request(URL_TEXT, { method: 'POST', body: locked, duplex: 'half' })).toThrow(TypeError);
  });

  test('of a Request copies it, and moves its body', async () => {
    const first = new Request(URL_TEXT, { method: 'POST', body: 'abc', headers: { A: 'b' } });
    const second = new Request(first);
    expect(second).toMatchObject({ method: 'POST', url: URL_TEXT });
    expect([second.headers.get('a'), first.bodyUsed]).toEqual(['b', true]);
    expect(await second.text()).toBe('abc');
    expect(() => new Request(first)).toThrow(TypeError);
  });

  test('of a Request and an init prefers the init', async () => {
    const first = new Request(URL_TEXT, { method: 'POST', body: 'abc', headers: { A: 'b' } });
    const second = new Request(first, { method: 'PUT', headers: { C: 'd' }, body: 'xyz' });
    expect([second.method, second.headers.get('a'), second.headers.get('c')]).toEqual(['PUT', null, 'd']);
    expect([await second.text(), first.bodyUsed]).toEqual(['xyz', false]);
    expect(() => new Request(first, { method: 'GET' })).toThrow(TypeError);
    expect(await first.text()).toBe('abc');
    expect(await new Request(first, { body: 'again' }).text()).toBe('again');
  });

  test('its headers are its own', () => {
    const first = new Request(URL_TEXT, { headers: { A: 'b' } });
    const second = new Request(first);
    second.headers.set('A', 'c');
    expect(first.headers.get('a')).toBe('b');
  });

  test('is cloned: both can be read', async () => {
    const first = new Request(URL_TEXT, { method: 'POST', body: 'abc', headers: { A: 'b' } });
    const clone = first.clone();
    first.headers.set('A', 'c');
    expect([clone.method, clone.url, clone.headers.get('a')]).toEqual(['POST', URL_TEXT, 'b']);
    expect(await Promise.all([first.text(), clone.text()])).toEqual(['abc', 'abc']);
    expect(() => first.clone()).toThrow(TypeError);
  });

  test('its signal follows the signal of its init', () => {
    const controller = new AbortController();
    const first = new Request(URL_TEXT, { signal: controller.signal });
    const second = new Request(first);
    const third = first.clone();
    const free = new Request(first, { signal: null });
    const before = [first, second, third, free].map(({ signal }) => signal.aborted);
    controller.abort('why');
    expect(before).toEqual([false, false, false, false]);
    expect([first, second, third, free].map(({ signal }) => signal.aborted)).toEqual([true, true, true, false]);
    expect(second.signal.reason).toBe('why');
    expect(new Request(URL_TEXT, { signal: controller.signal }).signal.aborted).toBe(true);
    expect(first.signal).not.toBe(controller.signal);
  });

  test('its body can be the body of a Response', async () => {
    const request = new Request(URL_TEXT, { method: 'POST', body: 'abc' });
    expect(await new Response(request.body).text()).toBe('abc');
    expect(request.bodyUsed).toBe(true);
  });

  test('parses forms', async () => {
    const form = new FormData();
    form.append('a', 'b');
    expect((await new Request(URL_TEXT, { method: 'POST', body: form }).formData()).get('a')).toBe('b');
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expect((await new Request(URL_TEXT, { method: 'POST', body: 'a=b', headers }).formData()).get('a')).toBe('b');
    await expect(new Request(URL_TEXT, { method: 'POST', body: 'a=b' }).formData()).rejects.toThrow(TypeError);
  });

  test('has a string tag', () => {
    expect(Object.prototype.toString.call(new Request(URL_TEXT))).toBe('[object Request]');
    expect(Request.name).toBe('Request');
  });
});

const Native: typeof globalThis.Request = Reflect.get(globalThis, 'Request');

test('light and Node’s instances pass instanceof of both classes, but subclasses only have their own', () => {
  class Own extends Light {}
  expect(new Light(URL_TEXT) instanceof Native).toBe(true);
  expect(new Native(URL_TEXT) instanceof Light).toBe(true);
  expect(new Own(URL_TEXT) instanceof Light).toBe(true);
  expect(new Light(URL_TEXT) instanceof Own).toBe(false);
});

test('a light Request can be made from Node’s, with its body and its modes', async () => {
  const native = new Native(URL_TEXT, { method: 'POST', body: 'abc', headers: { a: 'b' }, redirect: 'manual' });
  const light = new Light(native, { headers: { c: 'd' } });
  expect([light.method, light.headers.get('a'), light.headers.get('c'), light.redirect]).toEqual([
    'POST',
    null,
    'd',
    'manual',
  ]);
  expect([await light.text(), native.bodyUsed]).toEqual(['abc', true]);
  expect(() => new Light(native)).toThrow(TypeError);
});

// Tests that the environ, which reads keys lazily, behaves as an ordinary dictionary.

import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import type { Environ } from '../../src/index.ts';
import { wsgi } from '../../src/wsgi.ts';
import { get, post } from '../support/client.ts';
import { startHandler } from '../support/serving.ts';

/** Runs an application that inspects the environ of one request. */
function environOf(look: (environ: Environ) => unknown, ...fields: readonly string[]): Promise<unknown> {
  return environOfBytes(look, get('/a/b?c', ...fields));
}

async function environOfBytes(look: (environ: Environ) => unknown, request: string): Promise<unknown> {
  let found: unknown;
  const { connect } = await startHandler(
    wsgi((environ, start) => {
      found = look(environ);
      start('200 OK', []);
      return '';
    }),
  );
  await (await connect()).send(request).readResponse();
  return found;
}

test('a key exists before and after it was read, and other keys do not', async () => {
  const keys = ['PATH_INFO', 'HTTP_HOST', 'HTTP_X_Y', 'HTTP_NONE', 'NONE', 'HTTP_CONTENT_TYPE', 'HTTP_host'];
  const look = (environ: Environ) =>
    keys.map((key) => [key in environ, typeof environ[key], key in environ, Object.hasOwn(environ, key)]);
  const there = [true, 'string', true, true];
  const missing = [false, 'undefined', false, false];
  expect(await environOf(look, 'X-Y: z', 'Content-Type: a/b')).toEqual([
    there,
    there,
    there,
    missing,
    missing,
    missing,
    missing,
  ]);
});

test('HTTP_HOST is the host of the target, if that names one', async () => {
  const look = (environ: Environ) => [environ['HTTP_HOST'], { ...environ }['HTTP_HOST'], 'HTTP_HOST' in environ];
  const absolute = 'GET http://b:81/x HTTP/1.1\r\nHost: a\r\n\r\n';
  expect(await environOfBytes(look, absolute)).toEqual(['b:81', 'b:81', true]);
  expect(await environOfBytes(look, 'GET /x HTTP/1.0\r\n\r\n')).toEqual([undefined, undefined, false]);
});

test('it has no prototype, so that keys of Object are not mistaken for fields', async () => {
  const look = (environ: Environ) =>
    ['toString', 'constructor', '__proto__', 'hasOwnProperty'].map((key) => environ[key]);
  expect(await environOf(look, '__proto__: x', 'constructor: x')).toEqual([undefined, undefined, undefined, undefined]);
});

test('it can be extended, changed and emptied after any read', async () => {
  const look = (environ: Environ) => {
    environ['my.key'] = 1;
    environ['HTTP_HOST'] = 'changed';
    environ['HTTP_X_Y'] = undefined;
    Reflect.deleteProperty(environ, 'PATH_INFO');
    return [environ['my.key'], environ['HTTP_HOST'], environ['HTTP_X_Y'], environ.PATH_INFO, 'PATH_INFO' in environ];
  };
  expect(await environOf(look, 'X-Y: z')).toEqual([1, 'changed', undefined, undefined, false]);
});

test('a copy has all keys, and so does the printed form', async () => {
  const look = (environ: Environ) => [{ ...environ }, Object.keys(environ), inspect(environ)];
  const [copy, keys, printed] = Object(await environOf(look, 'X-Y: z'));
  expect(copy).toMatchObject({ PATH_INFO: '/a/b', QUERY_STRING: 'c', HTTP_X_Y: 'z' });
  expect(keys).toContain('HTTP_X_Y');
  expect(printed).toContain("HTTP_X_Y: 'z'");
});

test('fields of the same name are one key, joined; a name with an underscore is dropped', async () => {
  const look = (environ: Environ) => [environ['HTTP_X_Y'], environ['HTTP_COOKIE'], { ...environ }['HTTP_X_Y']];
  const fields = ['X-Y: 1', 'x-y: 2', 'X_Y: forged', 'Cookie: a=b', 'Cookie: c=d'];
  expect(await environOf(look, ...fields)).toEqual(['1, 2', 'a=b; c=d', '1, 2']);
});

test('an application may read it long after the response was sent', async () => {
  const kept: Environ[] = [];
  const { connect } = await startHandler(
    wsgi((environ, start) => {
      kept.push(environ);
      start('200 OK', []);
      return '';
    }),
  );
  const client = await connect();
  for (let i = 0; i < 3; i++) await client.send(post(`/${i}`, 'x', `X-Number: ${i}`)).readResponse();
  expect(kept.map((environ) => [environ.PATH_INFO, environ['HTTP_X_NUMBER'], environ.REQUEST_METHOD])).toEqual([
    ['/0', '0', 'POST'],
    ['/1', '1', 'POST'],
    ['/2', '2', 'POST'],
  ]);
});

test('the field Proxy never becomes a key, because programs would use it as their proxy (httpoxy)', async () => {
  const look = (environ: Environ) => [
    environ['HTTP_PROXY'],
    'HTTP_PROXY' in environ,
    Object.hasOwn(environ, 'HTTP_PROXY'),
    Object.keys(environ).filter((key) => /proxy$/i.test(key)),
    { ...environ }['HTTP_PROXY'],
    environ['HTTP_PROXY_AUTHORIZATION'],
  ];
  const fields = ['Proxy: http://evil/', 'PROXY: http://evil/', 'proxy: http://evil/', 'Proxy-Authorization: x'];
  expect(await environOf(look, ...fields)).toEqual([undefined, false, false, [], undefined, 'x']);
});

test('the same key for an application that sets it itself', async () => {
  const look = (environ: Environ) => {
    environ['HTTP_PROXY'] = 'mine';
    return environ['HTTP_PROXY'];
  };
  expect(await environOf(look, 'Proxy: http://evil/')).toBe('mine');
});

test('names that imitate another key are dropped', async () => {
  const names = ['HTTP_CONTENT_LENGTH', 'HTTP_CONTENT_TYPE', 'CONTENT_LENGTH', '__proto__', 'HTTP___PROTO__'];
  const look = (environ: Environ) => [names.map((name) => environ[name]), Object.getPrototypeOf({ ...environ })];
  const fields = ['Content_Length: 7', 'Content_Type: x', '__proto__: x', 'Http_Content_Length: 7'];
  const [values, prototype] = Object(await environOf(look, ...fields));
  expect(values).toEqual([undefined, undefined, '', undefined, undefined]);
  expect(prototype).toBe(Object.prototype);
});

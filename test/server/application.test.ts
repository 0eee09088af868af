// Tests the options that name the application: a fetch function, or a module whose export determines the adapter.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Response } from '../../src/fetch.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { start } from '../support/serving.ts';

const overrideGlobals = false;

test('the option fetch takes a function that returns a Response', async () => {
  const { port } = await start({ fetch: (request) => Response.json(request.url), overrideGlobals });
  expect((await ask(port, get('/x'))).text).toBe('"http://a/x"');
});

const WSGI = "(environ, start) => { start('200 OK', []); return 'wsgi ' + environ.PATH_INFO; }";
const FETCH = '(request) => new Response("fetch " + request.method)';

/** A module, the name of its export, and the adapter that it gets. */
const MODULES: readonly (readonly [string, string, string])[] = [
  [`export const application = ${WSGI};`, '', 'wsgi /x'],
  [`export const application = (...both) => (${WSGI})(...both);`, '', 'wsgi /x'],
  [`export const other = ${FETCH}; export const application = 7;`, ':other', 'fetch GET'],
  [`export default { fetch: ${FETCH} };`, '', 'fetch GET'],
  [
    `export default { prefix: 'fetch ', fetch(request) { return new Response(this.prefix + request.method); } };`,
    '',
    'fetch GET',
  ],
  [`export default ${FETCH};`, '', 'fetch GET'],
  [`export const fetch = () => (${FETCH})({ method: 'GET' });`, '', 'fetch GET'],
  [`export const named = { fetch: ${FETCH} };`, ':named', 'fetch GET'],
];

test.each(MODULES)('the application of %s%s', async (text, name, answer) => {
  const root = await folder({ 'app.mjs': text });
  const { port } = await start({ app: `${join(root, 'app.mjs')}${name}`, overrideGlobals });
  expect((await ask(port, get('/x'))).text).toBe(answer);
});

test('a module without an application is rejected before the server listens', async () => {
  const root = await folder({ 'app.mjs': 'export const application = {};' });
  await expect(start({ app: join(root, 'app.mjs') })).rejects.toMatchObject({
    code: 'ERR_APPLICATION_MODULE',
    message: expect.stringContaining('is object, not a function or an object with a function "fetch"'),
  });
});

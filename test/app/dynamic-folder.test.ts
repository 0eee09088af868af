// Tests that the modules of a dynamic folder are served at their own URLs, that a broken module does not affect the others,
// and that no path leads to a source.

import { readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ask, get, post } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { type Site, start } from '../support/serving.ts';
import { until } from '../support/until.ts';

const SECRET = 'const secret = "squirrel";';

/** A module that counts in a file how often it was loaded. */
const CLOCK = `${SECRET}
import { appendFileSync } from 'node:fs';
appendFileSync(new URL('./loads', import.meta.url), '.');
export function application(environ, start) {
  start('200 OK', [['Content-Type', 'text/plain']]);
  return environ.REQUEST_METHOD + ' ' + environ.PATH_INFO + ' at noon';
}`;

const FETCH = 'export default { fetch: (request) => new Response("fetched " + new URL(request.url).pathname) };';

async function textOf({ port }: Site, path: string): Promise<string> {
  const { status, text } = await ask(port, get(path));
  return `${status} ${text}`;
}

async function makeFolder(): Promise<string> {
  return folder({
    'clock.mjs': CLOCK,
    'page.mjs': FETCH,
    'throws.mjs': 'throw new Error("on purpose");',
    'syntax.mjs': 'export const = 1;',
    'none.mjs': 'export const other = 1;',
    'anything.mjs': 'export default (request, response) => response.end();',
    'lib/part.mjs': FETCH,
    'notes.txt': SECRET,
    '.hidden.mjs': FETCH,
    'two words.mjs': FETCH,
  });
}

test('each module is served at its own URL, with and without the suffix, for every method', async () => {
  const site = await start({ dynamic: await makeFolder(), dynamicSuffix: '.py', overrideGlobals: false });
  expect(await textOf(site, '/clock')).toBe('200 GET /clock at noon');
  expect(await textOf(site, '/clock.py?a=b')).toBe('200 GET /clock.py at noon');
  expect(await textOf(site, '/%63lock')).toBe('200 GET /clock at noon');
  expect(await textOf(site, '/page')).toBe('200 fetched /page');
  expect(await textOf(site, '/two%20words')).toBe('200 fetched /two%20words');
  expect((await ask(site.port, post('/clock', 'x'))).text).toBe('POST /clock at noon');
});

test('without the option suffix, modules are served without a suffix only', async () => {
  const site = await start({ dynamic: await makeFolder() });
  expect(await textOf(site, '/clock.py')).toMatch(/^404/);
});

test('concurrent first requests load a module only once', async () => {
  const dynamic = await makeFolder();
  const site = await start({ dynamic });
  await expect(readFile(join(dynamic, 'loads'))).rejects.toThrow();
  await Promise.all(Array.from({ length: 20 }, () => textOf(site, '/clock')));
  await textOf(site, '/clock');
  expect(await readFile(join(dynamic, 'loads'), 'utf8')).toBe('.');
});

test('a broken module gets 500 and one log line, and others are still served', async () => {
  const site = await start({ dynamic: await makeFolder() });
  for (const name of ['throws', 'syntax', 'none', 'anything']) {
    const answers = await Promise.all(Array.from({ length: 5 }, () => textOf(site, `/${name}`)));
    expect([...answers, await textOf(site, `/${name}`)]).toEqual(
      Array.from({ length: 6 }, () => '500 Internal Server Error\n'),
    );
    expect(site.errors.splice(0)).toEqual([
      expect.objectContaining({ code: 'ERR_APPLICATION_MODULE', message: expect.stringContaining(`${name}.mjs`) }),
    ]);
    expect(await textOf(site, '/clock')).toMatch(/^200/);
  }
});

/** Paths that name no module. */
const NOWHERE = [
  '/',
  '/clock/',
  '/clock.mjs',
  '/clock.js',
  '/loads',
  '/notes',
  '/notes.txt',
  '/lib/part',
  '/part',
  '/.hidden',
  '/hidden',
  '/../clock',
  '/lib/../clock',
  '/lib/%2e%2e/clock',
  '/lib%2fpart',
  '/%2e%2e%2fclock',
  '/clock%00',
  '/clock%00.mjs',
  '/clock%5c',
  '/%ff',
  '/%',
  '/__proto__',
  '/constructor',
  '/CLOCK',
  `/${'x'.repeat(4_000)}`,
  '/linked',
];

test('no other path is handled by a module', async () => {
  const dynamic = await makeFolder();
  const elsewhere = await folder({ 'other.mjs': FETCH });
  await symlink(join(elsewhere, 'other.mjs'), join(dynamic, 'linked.mjs'));
  await symlink('clock.mjs', join(dynamic, 'alias.mjs'));
  const site = await start({ dynamic });
  for (const path of NOWHERE) expect(await textOf(site, path), path).toBe('404 Not Found\n');
  expect(await textOf(site, '/alias'), 'a link within the folder').toBe('200 GET /alias at noon');
});

test('an added module is found, and a loaded one stays loaded', async () => {
  const dynamic = await makeFolder();
  const site = await start({ dynamic, overrideGlobals: false });
  expect(await textOf(site, '/late')).toMatch(/^404/);
  expect(await textOf(site, '/page')).toMatch(/^200/);
  await writeFile(join(dynamic, 'late.mjs'), FETCH);
  await until(async () => (await textOf(site, '/late')) === '200 fetched /late', 'the module is served');
  await rename(join(dynamic, 'page.mjs'), join(dynamic, 'gone.txt'));
  expect(await textOf(site, '/page')).toMatch(/^200/);
});

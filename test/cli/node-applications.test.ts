// Tests that the command serves applications of node:http as it serves others: beside files, mounted, in several
// processes, and watched.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ask, get, post } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { portOf, startCommand } from '../support/program.ts';
import { until } from '../support/until.ts';

const listener = (name: string): string =>
  `(request, response) => response.end('${name} ' + request.method + ' ' + request.url)`;

const server = (name: string): string => `module.exports = require('node:http').createServer(${listener(name)});`;

test('files, mounts, --workers and --watch work with applications of node:http', async () => {
  const cwd = await folder({
    'www/a.txt': 'a file',
    'api/api.cjs': server('api'),
    'main/app.mjs': `export default ${listener('main')};`,
  });
  const args = ['0', 'www', 'main/app.mjs', '--app', '/api=api/api.cjs', '--adapter', 'node', '--workers', '2'];
  const port = await portOf(startCommand([...args, '--watch', '--no-access-log'], { cwd }));
  const textOf = async (request: string): Promise<string> => (await ask(port, request)).text;
  expect(await textOf(get('/a.txt'))).toBe('a file');
  expect(await textOf(get('/api/x?y'))).toBe('api GET /api/x?y');
  expect(await textOf(get('/else'))).toBe('main GET /else');
  expect(await textOf(post('/a.txt', 'abc'))).toBe('main POST /a.txt');
  await writeFile(join(cwd, 'api/api.cjs'), server('new'));
  await until(async () => (await textOf(get('/api/x'))) === 'new GET /api/x', 'the application was restarted');
});

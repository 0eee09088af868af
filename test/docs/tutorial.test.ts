// Tests that every command of the tutorial works as written, except for the port, which may be in use.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ask, get } from '../support/client.ts';
import { REPOSITORY, startProgram } from '../support/program.ts';

const TEXT = readFileSync(join(REPOSITORY, 'docs/tutorial.md'), 'utf8');
const CHINESE = readFileSync(join(REPOSITORY, 'docs/zh/tutorial.md'), 'utf8');

function commandsIn(text: string): readonly string[] {
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block.trim());
}

const BLOCKS = commandsIn(TEXT);

/** Requests for commands with a special response: words of the command, path, expected text. */
const REQUESTS: readonly (readonly [string, string, string])[] = [
  ['fixed-page', '/', 'never changes'],
  ['fixtures/pages', '/count.py', '第2行'],
  ['fixtures/framework', '/center.py', '个人中心'],
  ['dynamic-suffix', '/clock.py', 'when this page was made'],
  ['hello-wsgi.js:application', '/x', 'Hello from /x'],
  ['web_server.conf', '/login.py', 'Hello from /login.py'],
  ['site.yaml', '/login.py', 'Name'],
];

test('there is a command for each script', () => {
  expect(BLOCKS).toHaveLength(13);
  expect(REQUESTS.every(([words]) => BLOCKS.some((block) => block.includes(words)))).toBe(true);
});

test.each(BLOCKS)('%s', async (block) => {
  const scratch = mkdtempSync(join(tmpdir(), 'epoll-server-tutorial-'));
  onTestFinished(() => rmSync(scratch, { recursive: true }));
  const port = block.includes('9000') ? block.replace(' 9000', ' 0') : `${block} --port 0`;
  // The shell is replaced by the server, so that signals reach it.
  const script = port.replaceAll('/tmp/mini', join(scratch, 'mini')).replace(/^node /m, 'exec node ');
  const program = startProgram('bash', ['-e', '-c', script]);
  const listening = Number(await program.announced(/http:\/\/[^/]*:(\d+)\//));
  const [, path = '/', text = 'epoll'] = REQUESTS.find(([words]) => block.includes(words)) ?? [];
  const response = await ask(listening, get(path));
  expect([response.status, response.text]).toEqual([200, expect.stringContaining(text)]);
  expect(program.stderr).toBe('');
});

test('the Chinese tutorial has the same commands and the same sections', () => {
  const sections = (text: string): number => [...text.matchAll(/^## /gm)].length;
  expect(commandsIn(CHINESE)).toEqual(BLOCKS);
  expect(sections(CHINESE)).toBe(sections(TEXT));
});

test('every file that the tutorial links to exists', () => {
  for (const [, link = ''] of TEXT.matchAll(/\]\((\.\.\/[^)]+)\)/g)) {
    expect(() => readFileSync(join(REPOSITORY, 'docs', link)), link).not.toThrow(/ENOENT/);
  }
});

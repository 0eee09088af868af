// Tests the runner of frameworks' own tests with a suite of two tests, one of which another server than node:http fails.

import { describe, expect, test } from 'vitest';
import { folder, type Tree } from '../support/folder.ts';
import { type Program, startProgram } from '../support/program.ts';

const SUITE: Tree = {
  'package.json': JSON.stringify({ name: 'koa', version: '0.0.1', type: 'module' }),
  'dist/koa.mjs': '',
  'test/two.test.js': `
    import assert from 'node:assert';
    import { createServer, get, Server } from 'node:http';
    import { test } from 'node:test';
    import native from 'node:_http_server';

    test('a server responds', (_, done) => {
      const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1', () => {
        get({ port: server.address().port, agent: false }, (response) => {
          assert.equal(response.statusCode, 200);
          server.close(done);
        });
      });
    });

    test('the class is that of Node', () => assert.equal(Server, native.Server));
  `,
};

/** A server in place of this one: the class of node:http under another name. */
const OTHER = `
  import { Server } from 'node:http';
  class Other extends Server {}
  export const createServer = (...args) => new Other(...args);
  export { Other as Server };
`;

function run(...args: readonly string[]): Program {
  return startProgram(process.execPath, ['scripts/frameworks.js', '--no-write', ...args]);
}

test('both runs are counted, and what fails here alone is named', async () => {
  const root = await folder({ ...SUITE, 'other.mjs': OTHER });
  const program = run('--over', `${root}/other.mjs`, root);
  expect(await program.ended(), program.stderr).toBe(1);
  expect(program.stdout).toMatch(
    /^Koa over node:http: 2 passed, 0 failed, \d+ s; 0 servers replaced; requests: 0 ours, 1/m,
  );
  expect(program.stdout).toMatch(
    /mjs: 1 passed, 1 failed, \d+ s; 1 servers replaced; requests: 1 ours, 0 node:http, 0/,
  );
  expect(program.stdout).toContain('FAILED koa: test/two.test.js: the class is that of Node\n');
  expect(program.stdout).toContain(
    '2 tests, 2 passed over node:http, 1 over this server; 1 failed here alone, 1 without',
  );
  expect(`${program.stdout}${program.stderr}`, 'no colours outside of a terminal').not.toContain('\x1b');
});

describe('a bad argument is refused in one line', () => {
  test.each([
    ['no path', () => [], /^frameworks: name at least one checkout \(--help shows how\)\n$/],
    ['no folder', () => ['/nonexistent'], /^frameworks: \/nonexistent is not a checkout of a framework: ENOENT.*\n$/],
    ['another option', () => ['--fast'], /^Unknown option '--fast' \(--help shows the options\)\n$/],
    [
      'another package',
      async () => [await folder({ 'package.json': '{"name":"connect"}' })],
      /^frameworks: \S+ is a checkout of "connect", not of one of express, koa, @hono\/node-server, fastify, ws\n$/,
    ],
    [
      'nothing installed',
      async () => [await folder({ 'package.json': '{"name":"express"}' })],
      /^frameworks: \S+ has no node_modules\/mocha\/bin\/_mocha: run "npm install --ignore-scripts" and its build/,
    ],
  ] as const)('%s', async (_, paths, message) => {
    const program = run(...(await paths()));
    expect(await program.ended()).toBe(2);
    expect(program.stderr).toMatch(message);
    expect(program.stdout).toBe('');
  });
});

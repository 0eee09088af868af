// Tests errors of handlers and of the callbacks that they start. A handler's error is a 500 for its own client. A
// callback's error ends the process, or reaches its listener. In no case does a living server stop serving.

import { describe, expect, test } from 'vitest';
import { exchange, get, pipelined, startServer } from './programs.ts';

/** The messages that the listener got, once there are `count`: a callback may run after the next request was served. */
async function uncaught(port: number, count: number): Promise<readonly unknown[]> {
  let messages: unknown[] = [];
  for (let tries = 0; tries < 200 && messages.length < count; tries++)
    messages = JSON.parse(await get(port, '/uncaught'));
  return messages;
}

const LATER = ['/nextTick', '/setTimeout', '/setImmediate', '/microtask', '/rejection', '/abort-listener'];

describe('a handler that fails', () => {
  test.each([
    ['/throw', 'boom in handler'],
    ['/reject', 'boom in promise'],
    ['/throw-late', 'boom in late promise'],
  ])('%s: its own client gets 500, and one line is logged', async (path, message) => {
    const { program, port } = await startServer('faulty');
    const statuses = await pipelined(port, ['/before', path, '/after']);
    expect(statuses).toEqual([200, 500, 200]);
    program.process.kill('SIGTERM');
    await program.ended;
    const lines = program.stderr.split('\n').filter((line) => line !== '');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(message);
    expect(lines[0]).toContain(`GET ${path}`);
  });

  test('does not affect other clients of its batch', async () => {
    const { port } = await startServer('faulty');
    const paths = Array.from({ length: 30 }, (_, i) => ['/throw', '/reject', `/${i}`][i % 3] ?? '/');
    const statuses = await Promise.all(paths.map((path) => pipelined(port, [path])));
    expect(statuses).toEqual(paths.map((path) => [path === '/throw' || path === '/reject' ? 500 : 200]));
  });

  test('does not reveal the error to its client', async () => {
    const { port } = await startServer('faulty');
    expect(await exchange(port, ['/throw'])).not.toContain('boom');
  });
});

describe.each(LATER)('an error thrown in %s', (path) => {
  const message = `boom in ${path.slice(1)}`;

  test('ends a process without a listener, and prints its stack trace', async () => {
    const { program, port } = await startServer('faulty');
    await exchange(port, [path]).catch(() => 'the response may be lost with the process');
    expect(await program.ended).toEqual({ code: 1, signal: null });
    expect(program.stderr).toContain(message);
    expect(program.stderr).toMatch(/\n\s+at .*faulty\.mjs:/);
  });

  test('reaches the listener, and all pipelined requests are answered', async () => {
    const { program, port } = await startServer('faulty', 'listen');
    expect(await pipelined(port, ['/a', path, '/b', path, path, '/c'])).toEqual([200, 200, 200, 200, 200, 200]);
    expect(await pipelined(port, [path])).toEqual([200]);
    expect(await uncaught(port, 4)).toEqual([message, message, message, message]);
    expect(program.stderr).toBe('');
  });

  test('reaches the listener, and all concurrent requests are answered', async () => {
    const { port } = await startServer('faulty', 'listen');
    for (let round = 1; round <= 3; round++) {
      const paths = Array.from({ length: 24 }, (_, i) => (i % 4 === 0 ? path : '/fine'));
      const statuses = await Promise.all(paths.map((each) => pipelined(port, [each, each])));
      expect(statuses).toEqual(paths.map(() => [200, 200]));
      expect(await uncaught(port, 12 * round)).toEqual(Array.from({ length: 12 * round }, () => message));
    }
  });
});

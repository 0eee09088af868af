// Tests that an error thrown by a log, a trace, onError or a handler's thenable leaves no client without its response, and
// does not affect the next request.

import { describe, expect, test } from 'vitest';
import { exchange, get, pipelined, startServer } from './programs.ts';

/** Callbacks whose errors only the process can catch. */
const HOOKS = ['onError', 'accessLog', 'trace'];

describe.each([...HOOKS, 'thenable', 'thenable getter'])('a throw in %s', (what) => {
  test('does not stop the responses to pipelined requests, nor change their order', async () => {
    const { port } = await startServer('hostile', what, 'listen');
    expect(await pipelined(port, ['/a', '/bad', '/b'])).toEqual([200, 500, 200]);
  });

  test('does not stop or mix up the responses of other clients in the batch', async () => {
    const { port } = await startServer('hostile', what, 'listen');
    for (let round = 0; round < 3; round++) {
      const paths = Array.from({ length: 24 }, (_, i) => (i % 4 === 1 ? '/bad' : `/client-${i}`));
      const responses = await Promise.all(paths.map((path) => exchange(port, [path])));
      const contents = responses.map((response) => response.slice(response.indexOf('\r\n\r\n') + 4).trim());
      expect(contents).toEqual(paths.map((path) => (path === '/bad' ? 'Internal Server Error' : path)));
    }
  });
});

describe.each(HOOKS)('a throw in %s', (what) => {
  test('reaches the listener', async () => {
    const { port } = await startServer('hostile', what, 'listen');
    expect(await pipelined(port, ['/bad'])).toEqual([500]);
    expect(JSON.parse(await get(port, '/uncaught'))).toContain(`boom in ${what}`);
  });

  test('ends a process without a listener, and prints its stack trace', async () => {
    const { program, port } = await startServer('hostile', what);
    await exchange(port, ['/bad']).catch(() => 'the response may be lost with the process');
    expect(await program.ended).toEqual({ code: 1, signal: null });
    expect(program.stderr).toContain(`boom in ${what}`);
    expect(program.stderr).toMatch(/\n\s+at .*hostile\.mjs:/);
  });
});

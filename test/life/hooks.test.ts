// What serve() is given besides handlers may throw too: a log, a trace, onError, what a handler returns. It is
// a defect of its owner, and no reason to leave a client without its response or to read the next one's wrongly.

import { describe, expect, test } from 'vitest';
import { exchange, get, pipelined, startServer } from './programs.ts';

/** Whose throw nobody but the process can catch. */
const HOOKS = ['onError', 'accessLog', 'trace'];

describe.each([...HOOKS, 'thenable', 'thenable getter'])('a throw in %s', (what) => {
  test('leaves pipelined requests their answers, in order', async () => {
    const { port } = await startServer('hostile', what, 'listen');
    expect(await pipelined(port, ['/a', '/bad', '/b'])).toEqual([200, 500, 200]);
  });

  test('leaves the clients of the same batch their answers, each its own', async () => {
    const { port } = await startServer('hostile', what, 'listen');
    for (let round = 0; round < 3; round++) {
      const paths = Array.from({ length: 24 }, (_, i) => (i % 4 === 1 ? '/bad' : `/client-${i}`));
      const answers = await Promise.all(paths.map((path) => exchange(port, [path])));
      const contents = answers.map((answer) => answer.slice(answer.indexOf('\r\n\r\n') + 4).trim());
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

  test('ends a process without a listener, with its trace', async () => {
    const { program, port } = await startServer('hostile', what);
    await exchange(port, ['/bad']).catch(() => 'the answer may be lost with the process');
    expect(await program.ended).toEqual({ code: 1, signal: null });
    expect(program.stderr).toContain(`boom in ${what}`);
    expect(program.stderr).toMatch(/\n\s+at .*hostile\.mjs:/);
  });
});

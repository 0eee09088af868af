// Tests that full load does not starve other work on the thread, and that every way to shut down works under load.

import { describe, expect, test } from 'vitest';
import { get, startFlood, startLoad, startServer } from './programs.ts';

describe('under full load', () => {
  test('timers, promises, files, fetch, setImmediate and nextTick still run', async () => {
    const { port } = await startServer('alive');
    const loads = [await startLoad(port), await startFlood(port)];
    const probe: Record<string, unknown> = JSON.parse(await get(port, '/probe'));
    const seen = await Promise.all(loads.map((load) => load.stop()));
    expect(probe).toMatchObject({ promises: 10, nextTicks: 10, immediates: 10, timeouts: 10, files: 10, fetches: 10 });
    expect(probe['fetched']).toBe('from node:http');
    expect(probe['fileBytes']).toBeGreaterThan(100);
    expect(probe['served']).toBeGreaterThan(100);
    for (const each of seen) expect(each).toMatchObject({ wrong: 0, cut: 0 });
  });

  test.each(['/exit', '/exit-later', '/exit-from-promise'])(
    'process.exit(0) ends the process with 0: %s',
    async (path) => {
      const { program, port } = await startServer('ending');
      const load = await startLoad(port);
      await get(port, path).catch(() => 'the response may be lost with the process');
      expect(await program.ended).toEqual({ code: 0, signal: null });
      expect(program.stderr).toBe('');
      expect((await load.seen()).wrong).toBe(0);
    },
  );

  test('close() resolves, cuts off no response, and lets the process exit', async () => {
    const { program, port } = await startServer('ending');
    const load = await startLoad(port);
    expect(await get(port, '/close')).toBe('answer');
    expect(await program.line()).toBe('closed');
    expect(JSON.parse(await program.line())).toEqual([]);
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(program.stderr).toBe('');
    expect(await load.seen()).toMatchObject({ wrong: 0, cut: 0 });
  });

  test('close({ now: true }) resolves and lets the process exit', async () => {
    const { program, port } = await startServer('ending');
    const load = await startLoad(port);
    await get(port, '/close-now').catch(() => 'the response may be cut off');
    expect(await program.line()).toBe('closed');
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(program.stderr).toBe('');
    expect((await load.seen()).wrong).toBe(0);
  });
});

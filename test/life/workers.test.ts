// Tests servers in worker threads beside one on the main thread, and the ways in which such a thread ends.

import { describe, expect, test } from 'vitest';
import { get, startLoad, startServer } from './programs.ts';

/** Requests a path of programs/workers.mjs. */
async function ask(port: number, path: string): Promise<unknown> {
  return JSON.parse(await get(port, path));
}

/** Requests until the response is `expected`: the descriptors of a thread are closed a moment after its end. */
async function settles(port: number, path: string, expected: unknown): Promise<unknown> {
  let answer: unknown;
  for (let tries = 0; tries < 200; tries++) {
    answer = await ask(port, path);
    if (answer === expected) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return answer;
}

/** The response once it is the same ten times: connections of earlier requests are closed by then. */
async function stable(port: number, path: string): Promise<unknown> {
  let answer: unknown;
  for (let same = 0; same < 10; ) {
    const next = await ask(port, path);
    same = next === answer ? same + 1 : 0;
    answer = next;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return answer;
}

describe('worker threads', () => {
  test('serve beside the main thread, both under load', async () => {
    const { port } = await startServer('workers');
    const workerPort = Number(await ask(port, '/start'));
    const loads = [await startLoad(port, 16), await startLoad(workerPort, 16)];
    expect(await get(port, '/')).toBe('main');
    expect(await get(workerPort, '/')).toBe('worker');
    for (const load of loads) expect(await load.stop()).toMatchObject({ wrong: 0, cut: 0 });
  });

  test('can be terminated under load ten times, and leave no descriptor open', async () => {
    const { program, port } = await startServer('workers');
    await ask(port, '/start');
    await ask(port, '/terminate');
    const before = await stable(port, '/sockets');
    for (let round = 0; round < 10; round++) {
      const load = await startLoad(Number(await ask(port, '/start')), 16);
      expect(await ask(port, '/terminate')).toEqual([1]);
      expect((await load.seen()).wrong).toBe(0);
    }
    expect(await settles(port, '/sockets', before)).toBe(before);
    expect(await ask(port, '/running')).toBe(0);
    expect(program.process.exitCode).toBeNull();
    expect(program.stderr).toBe('');
  });

  test('can be terminated while both threads are under load', async () => {
    const { program, port } = await startServer('workers');
    const mainLoad = await startLoad(port, 16);
    const workerLoad = await startLoad(Number(await ask(port, '/start')), 16);
    await ask(port, '/terminate');
    expect((await workerLoad.seen()).wrong).toBe(0);
    expect(await get(port, '/')).toBe('main');
    expect(await mainLoad.stop()).toMatchObject({ wrong: 0, cut: 0 });
    expect(program.stderr).toBe('');
  });

  test('may call process.exit() under load, and the main thread continues', async () => {
    const { program, port } = await startServer('workers');
    const workerPort = Number(await ask(port, '/start'));
    const before = Number(await ask(port, '/sockets'));
    const load = await startLoad(workerPort, 16);
    await get(workerPort, '/exit').catch(() => 'the response is lost with the thread');
    expect((await load.seen()).wrong).toBe(0);
    expect(await settles(port, '/running', 0)).toBe(0);
    expect(await ask(port, '/exit-codes')).toEqual([7]);
    expect(Number(await ask(port, '/sockets'))).toBeLessThan(before);
    expect(program.stderr).toBe('');
  });
});

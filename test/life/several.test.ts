// Tests that several servers in one process have their own kernels, clients, counters and shutdown.

import { describe, expect, onTestFinished, test } from 'vitest';
import { type Server, serve } from '../../src/index.ts';
import { get } from './programs.ts';

async function start(name: string, port = 0): Promise<Server> {
  const server = await serve({ port, handler: (_request, response) => response.send(200, {}, name) });
  onTestFinished(() => server.close({ now: true }));
  return server;
}

describe('several servers', () => {
  test('send their own responses', async () => {
    const servers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => start(name)));
    const responses = await Promise.all(servers.map(({ port = 0 }) => get(port, '/')));
    expect(responses).toEqual(['a', 'b', 'c', 'd']);
    expect(new Set(servers.map(({ port }) => port)).size).toBe(4);
  });

  test('count their own requests', async () => {
    const [busy, idle] = [await start('busy'), await start('idle')];
    await get(busy.port ?? 0, '/');
    expect(busy.stats().requests.handled).toBe(1);
    expect(idle.stats().requests.handled).toBe(0);
  });

  test('are closed independently', async () => {
    const [first, second, third] = [await start('first'), await start('second'), await start('third')];
    await second.close();
    await expect(get(second.port ?? 0, '/')).rejects.toThrow();
    expect(await get(first.port ?? 0, '/')).toBe('first');
    expect(await get(third.port ?? 0, '/')).toBe('third');
    await first.close();
    await expect(get(first.port ?? 0, '/')).rejects.toThrow();
    expect(await get(third.port ?? 0, '/')).toBe('third');
  });

  test('can listen on the same port again after close, many times', async () => {
    const { port, close } = await serveOnce();
    await close();
    for (let round = 0; round < 10; round++) {
      const server = await start(`round ${round}`, port);
      expect(server.port ?? 0).toBe(port);
      expect(await get(port, '/')).toBe(`round ${round}`);
      await server.close();
    }
  });

  test('cannot listen on the port of another server, which is not affected', async () => {
    const server = await start('first');
    await expect(start('second', server.port ?? 0)).rejects.toMatchObject({ code: 'ERR_LISTEN' });
    expect(await get(server.port ?? 0, '/')).toBe('first');
  });

  test('return the same promise when close is called twice', async () => {
    const server = await start('once');
    const closing = server.close();
    expect(server.close()).toBe(closing);
    await closing;
    await server.close({ now: true });
  });

  test('leave no descriptor open', async () => {
    const { readdirSync } = await import('node:fs');
    const warm = await serve({ port: 0, handler: (_request, response) => response.send(204) });
    await warm.close();
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 5; round++) {
      const server = await serve({ port: 0, handler: (_request, response) => response.send(200, {}, 'x') });
      await server.close();
    }
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
  });
});

async function serveOnce(): Promise<{ port: number; close: () => Promise<void> }> {
  const server = await start('once');
  await get(server.port ?? 0, '/');
  return { port: server.port ?? 0, close: () => server.close() };
}

// What is true of the models that give each client a process or thread of its own, and of their workers.

import { expect, test } from 'vitest';
import { type Client, connect, get } from '../support/client.ts';
import { until } from '../support/until.ts';
import { childrenOf, startModel, writeApplication } from './models.ts';

async function whoServes(client: Client): Promise<string> {
  return (await client.send(get('/who')).readResponse()).text;
}

export function childrenContract(model: 'multiprocess' | 'multithread'): void {
  test(`${model}: each client has a child of its own, which ends with it`, async () => {
    const { file } = await writeApplication();
    const { program, port } = await startModel(model, file);
    const clients = [await connect(port), await connect(port), await connect(port)];
    const children = await Promise.all(clients.map(whoServes));
    expect(new Set(children).size).toBe(3);
    const [first] = clients;
    expect(first && (await whoServes(first)), 'it stays the same').toBe(children[0]);
    for (const child of children) expect(child).not.toBe(`${program.pid}.0`);
    for (const client of clients) client.finish();
    for (const client of clients) expect(await client.closed()).toBe('fin');
    await until(() => childrenOf(program.pid).length === 0, 'the children are waited for');
  });

  test(`${model}: a child that dies takes its own client with it, and nobody else`, async () => {
    const { file } = await writeApplication();
    const { program, port } = await startModel(model, file);
    const [lost, other] = [await connect(port), await connect(port)];
    const served = await whoServes(other);
    lost.send(get('/exit'));
    await lost.closed();
    expect(await whoServes(other)).toBe(served);
    expect(await whoServes(await connect(port))).not.toBe(served);
    expect(program.exit).toBeNull();
  });

  test(`${model}: at most maxChildren at once, the next client waits for one to end`, async () => {
    const { file } = await writeApplication();
    const { port } = await startModel(model, file, '--max-children', '2');
    const [first, second] = [await connect(port), await connect(port)];
    await Promise.all([whoServes(first), whoServes(second)]);
    const third = await connect(port);
    third.send(get('/third'));
    // A child would have answered long before this other one has.
    for (let i = 0; i < 20; i++) await whoServes(second);
    expect(third.received.length).toBe(0);
    first.finish();
    expect((await third.readResponse()).text).toBe('GET /third');
  });

  test(`${model} --workers 2: two serve everyone, and one that dies is replaced`, async () => {
    const { file } = await writeApplication();
    const { program, port } = await startModel(model, file, '--workers', '2');
    expect(program.stdout).toContain(`2 ${model === 'multiprocess' ? 'processes' : 'threads'}`);
    const [first, second] = [await connect(port), await connect(port)];
    const serving = await Promise.all([whoServes(first), whoServes(second)]);
    expect(new Set(serving).size).toBe(2);
    const third = await connect(port);
    third.send(get('/who'));
    second.send(get('/exit'));
    await second.closed();
    const replacement = (await third.readResponse()).text;
    expect(serving).not.toContain(replacement);
    expect(await whoServes(first)).toBe(serving[0]);
    await until(() => program.stderr !== '', 'it is told');
    expect(program.stderr).toMatch(/ended unexpectedly \(exit code 7\); a new one replaces it/);
    for (const client of [first, third]) client.finish();
    program.signal('SIGTERM');
    expect(await program.ended()).toBe(0);
  });
}

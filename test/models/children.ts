// Tests the models that start a process or thread for each client, and their workers.

import { expect, test } from 'vitest';
import { type Client, connect, get } from '../support/client.ts';
import { until } from '../support/until.ts';
import { childrenOf, startModel, writeApplication } from './models.ts';

async function serverOf(client: Client): Promise<string> {
  return (await client.send(get('/server')).readResponse()).text;
}

export function childrenContract(model: 'multiprocess' | 'multithread'): void {
  test(`${model}: each client gets a child of its own, which ends when the client disconnects`, async () => {
    const { file } = await writeApplication();
    const { program, port } = await startModel(model, file);
    const clients = [await connect(port), await connect(port), await connect(port)];
    const children = await Promise.all(clients.map(serverOf));
    expect(new Set(children).size).toBe(3);
    const [first] = clients;
    expect(first && (await serverOf(first)), 'it stays the same').toBe(children[0]);
    for (const child of children) expect(child).not.toBe(`${program.pid}.0`);
    for (const client of clients) client.finish();
    for (const client of clients) expect(await client.closed()).toBe('fin');
    await until(() => childrenOf(program.pid).length === 0, 'every child was reaped');
  });

  test(`${model}: a child that dies disconnects its own client only`, async () => {
    const { file } = await writeApplication();
    const { program, port } = await startModel(model, file);
    const [lost, other] = [await connect(port), await connect(port)];
    const served = await serverOf(other);
    lost.send(get('/exit'));
    await lost.closed();
    expect(await serverOf(other)).toBe(served);
    expect(await serverOf(await connect(port))).not.toBe(served);
    expect(program.exit).toBeNull();
  });

  test(`${model}: with maxChildren children running, the next client waits until one ends`, async () => {
    const { file } = await writeApplication();
    const { port } = await startModel(model, file, '--max-children', '2');
    const [first, second] = [await connect(port), await connect(port)];
    await Promise.all([serverOf(first), serverOf(second)]);
    const third = await connect(port);
    third.send(get('/third'));
    // Without the limit, the third client would get its response long before the fourth.
    for (let i = 0; i < 20; i++) await serverOf(second);
    expect(third.received.length).toBe(0);
    first.finish();
    expect((await third.readResponse()).text).toBe('GET /third');
  });

  test(`${model} --workers 2: two children serve all clients, and one that dies is replaced`, async () => {
    const { file } = await writeApplication();
    const { program, port } = await startModel(model, file, '--workers', '2');
    expect(program.stdout).toContain(`2 ${model === 'multiprocess' ? 'processes' : 'threads'}`);
    const [first, second] = [await connect(port), await connect(port)];
    const serving = await Promise.all([serverOf(first), serverOf(second)]);
    expect(new Set(serving).size).toBe(2);
    const third = await connect(port);
    third.send(get('/server'));
    second.send(get('/exit'));
    await second.closed();
    const replacement = (await third.readResponse()).text;
    expect(serving).not.toContain(replacement);
    expect(await serverOf(first)).toBe(serving[0]);
    await until(() => program.stderr !== '', 'the warning is logged');
    expect(program.stderr).toMatch(/ended unexpectedly \(exit code 7\); a new one replaces it/);
    for (const client of [first, third]) client.finish();
    program.signal('SIGTERM');
    expect(await program.ended()).toBe(0);
  });
}

// Tests the contract of all models for the iterative model.

import { truncate } from 'node:fs/promises';
import { connect as dial } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { pause } from '../support/until.ts';
import { modelContract } from './model.contract.ts';
import { startModel, writeApplication } from './models.ts';

modelContract('iterative');

test('a second client waits until the first has disconnected', async () => {
  const { file, open } = await writeApplication();
  const { program, port } = await startModel('iterative', file);
  const first = await connect(port);
  first.send(get('/gate'));
  await program.announced(/^(asked)$/m);
  const second = await connect(port);
  second.send(get('/second'));
  await pause(100);
  expect(second.received.length, 'the first request is being handled').toBe(0);
  await open();
  expect((await first.readResponse()).text).toBe('opened');
  await pause(100);
  expect(second.received.length, 'the first client has its response, and stays connected').toBe(0);
  first.finish();
  expect((await second.readResponse()).text).toBe('GET /second');
});

test('a client that reads everything at once does not delay signals', async () => {
  const size = 4_000_000_000;
  const root = await folder({ huge: '' });
  await truncate(`${root}/huge`, size);
  const { program, port } = await startModel('iterative', root, '--shutdown-timeout-ms', '100');
  let received = 0;
  const client = dial(port, '127.0.0.1');
  onTestFinished(() => void client.destroy());
  client.on('error', () => {});
  client.on('data', (bytes) => {
    if (received === 0) program.signal('SIGTERM');
    received += bytes.length;
  });
  client.write(get('/huge'));
  expect(await program.ended()).toBe(1);
  expect(received).toBeGreaterThan(0);
  expect(received, 'it was cut off').toBeLessThan(size);
});

// The contract of all models, for one of them.

import { expect, test } from 'vitest';
import { connect, get } from '../support/client.ts';
import { pause } from '../support/until.ts';
import { modelContract } from './model.contract.ts';
import { startModel, writeApplication } from './models.ts';

modelContract('iterative');

test('a second client waits until the first has left', async () => {
  const { file, open } = await writeApplication();
  const { program, port } = await startModel('iterative', file);
  const first = await connect(port);
  first.send(get('/gate'));
  await program.announced(/^(asked)$/m);
  const second = await connect(port);
  second.send(get('/second'));
  await pause(100);
  expect(second.received.length, 'the first one is being answered').toBe(0);
  await open();
  expect((await first.readResponse()).text).toBe('opened');
  await pause(100);
  expect(second.received.length, 'the first one has its answer, and stays').toBe(0);
  first.finish();
  expect((await second.readResponse()).text).toBe('GET /second');
});

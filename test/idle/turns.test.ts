// Tests that an idle server takes no turns. This file has a process of its own: libuv's work for other files makes turns too.

import { expect, test } from 'vitest';
import { BACK_END } from '../support/back-end.ts';
import { echo, startHandler } from '../support/serving.ts';
import { pause } from '../support/until.ts';

test('an idle server sleeps: no turns without events or deadlines', async () => {
  const { server } = await startHandler(echo);
  await pause(50);
  const { turns } = server.stats().loop;
  await pause(300);
  // A host takes a turn whenever libuv has work, such as the timers of this test; a loop that spins never sleeps.
  const expected = BACK_END.busy === true ? Infinity : BACK_END.hasDescriptor ? 1 : 15;
  expect(server.stats().loop.turns - turns).toBeLessThanOrEqual(expected);
});

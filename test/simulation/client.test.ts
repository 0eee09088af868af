// Tests clients of the simulated machine as their users see them.

import { test } from 'vitest';
import { simulate } from '../../src/testing/simulated-server.ts';
import { expectLinear } from '../support/growth.ts';

test('a slow reader takes time in proportion to its response', async () => {
  const read = (bytes: number) => async (): Promise<void> => {
    const site = simulate({ port: 80, handler: (_request, response) => response.send(200, {}, 'x'.repeat(bytes)) });
    const client = site.connect();
    client.readRate = { bytes: 10, everyMs: 0.1 };
    client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await site.runUntil(() => client.isOver, Number.POSITIVE_INFINITY);
    if (client.received.length < bytes) throw new Error('the response is incomplete');
  };
  await expectLinear(read, 60_000);
});

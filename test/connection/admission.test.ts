// Proves who is let in, by number and by address, what the others hear, and that those inside notice nothing.

import { expect, test } from 'vitest';
import { ADMITTED, Admission, CUT_OFF, REFUSED } from '../../src/connection/admission.ts';
import { type Client, connect, get } from '../support/client.ts';
import { echo, startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';

test('as many as there is room for, then a bounded number of refusals, then nothing', () => {
  const admission = new Admission({ maxConnections: 2, maxConnectionsPerAddress: 0 });
  const outcomes = Array.from({ length: 100 }, () => admission.enter(''));
  expect(outcomes.slice(0, 3)).toEqual([ADMITTED, ADMITTED, REFUSED]);
  expect(outcomes.filter((outcome) => outcome === REFUSED)).toHaveLength(64);
  expect(outcomes.at(-1)).toBe(CUT_OFF);
  expect(admission.refused).toBe(98);
  admission.leave('', REFUSED);
  expect(admission.enter('')).toBe(REFUSED);
  admission.leave('', ADMITTED);
  expect([admission.enter(''), admission.enter('')]).toEqual([ADMITTED, CUT_OFF]);
});

test('an address has its share, and gets it back when its clients leave', () => {
  const admission = new Admission({ maxConnections: 10, maxConnectionsPerAddress: 2 });
  expect(['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2'].map((each) => admission.enter(each))).toEqual([
    ADMITTED,
    ADMITTED,
    REFUSED,
    ADMITTED,
  ]);
  admission.leave('192.0.2.1', ADMITTED);
  expect(admission.enter('192.0.2.1')).toBe(ADMITTED);
});

test.each([
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', true],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
  ['2001:db8::1', '2001:db8:0:0:5::', true],
  ['::1', '::ffff:1:2', true],
  ['::ffff:192.0.2.1', '192.0.2.1', true],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
])('%s and %s share: %s', (one, other, share) => {
  const admission = new Admission({ maxConnections: 10, maxConnectionsPerAddress: 1 });
  admission.enter(one);
  expect(admission.enter(other)).toBe(share ? REFUSED : ADMITTED);
});

test.each([
  ['maxConnections', { maxConnections: 2 }],
  ['maxConnectionsPerAddress', { maxConnectionsPerAddress: 2 }],
])(
  'beyond %s a client is told 503 and closed; those inside go on, and when one leaves there is room',
  async (_, limits) => {
    const { port, server } = await startHandler(echo, { limits });
    const inside = [await connect(port), await connect(port)];
    for (const client of inside) await client.send(get('/in')).readResponse();
    for (let i = 0; i < 3; i++) {
      const outside = await connect(port);
      const answer = await outside.send(get('/out')).readResponse();
      expect(answer.status).toBe(503);
      expect(answer.field('connection')).toBe('close');
      expect(await outside.closed()).toBe('fin');
      outside.destroy();
    }
    for (const client of inside) expect((await client.send(get('/still')).readResponse()).text).toBe('GET /still');
    expect(server.stats()).toMatchObject({ connections: { refused: 3, accepted: 5 } });
    inside[0]?.destroy();
    await until(() => server.stats().connections.open === 1, 'all but one have left');
    expect((await (await connect(port)).send(get('/now')).readResponse()).text).toBe('GET /now');
  },
);

test('a crowd outside is cut off and harms nobody inside', async () => {
  const { port, server } = await startHandler(echo, { limits: { maxConnections: 1 }, timeouts: { lingerMs: 60_000 } });
  const inside = await connect(port);
  await inside.send(get('/in')).readResponse();
  const crowd: (Client | null)[] = [];
  // One that is cut off at once may not even see that it was connected.
  for (let i = 0; i < 100; i++) crowd.push(await connect(port).catch(() => null));
  await until(() => server.stats().connections.refused === 100, 'all were refused');
  const ends = await Promise.all(crowd.map((client) => client?.closed() ?? 'reset'));
  expect(ends.filter((end) => end === 'reset')).toHaveLength(100 - 64);
  expect((await inside.send(get('/still')).readResponse()).text).toBe('GET /still');
});

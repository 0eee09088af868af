// Tests which clients are admitted, by number and by address, what rejected ones get, and that admitted ones are not
// affected.

import { expect, test } from 'vitest';
import { ADMITTED, Admission, CUT_OFF, REFUSED } from '../../src/connection/admission.ts';
import { type Client, connect, get } from '../support/client.ts';
import { echo, startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';

test('maxConnections clients are admitted, then some get 503, then clients are cut off', () => {
  const admission = new Admission({ maxConnections: 2, maxConnectionsPerAddress: 0 });
  const outcomes = Array.from({ length: 100 }, () => admission.admit(''));
  expect(outcomes.slice(0, 3)).toEqual([ADMITTED, ADMITTED, REFUSED]);
  expect(outcomes.filter((outcome) => outcome === REFUSED)).toHaveLength(64);
  expect(outcomes.at(-1)).toBe(CUT_OFF);
  expect(admission.refused).toBe(98);
  admission.release('', REFUSED);
  expect(admission.admit('')).toBe(REFUSED);
  admission.release('', ADMITTED);
  expect([admission.admit(''), admission.admit('')]).toEqual([ADMITTED, CUT_OFF]);
});

test('an address has maxConnectionsPerAddress clients, and room again when one closes', () => {
  const admission = new Admission({ maxConnections: 10, maxConnectionsPerAddress: 2 });
  expect(['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2'].map((each) => admission.admit(each))).toEqual([
    ADMITTED,
    ADMITTED,
    REFUSED,
    ADMITTED,
  ]);
  admission.release('192.0.2.1', ADMITTED);
  expect(admission.admit('192.0.2.1')).toBe(ADMITTED);
});

test.each([
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', true],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
  ['2001:db8::1', '2001:db8:0:0:5::', true],
  ['::1', '::ffff:1:2', true],
  ['::ffff:192.0.2.1', '192.0.2.1', true],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
])('%s and %s count as one address: %s', (one, other, share) => {
  const admission = new Admission({ maxConnections: 10, maxConnectionsPerAddress: 1 });
  admission.admit(one);
  expect(admission.admit(other)).toBe(share ? REFUSED : ADMITTED);
});

test.each([
  ['maxConnections', { maxConnections: 2 }],
  ['maxConnectionsPerAddress', { maxConnectionsPerAddress: 2 }],
])('beyond %s a client gets 503, admitted ones continue, and a close makes room', async (_, limits) => {
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
  await until(() => server.stats().connections.open === 1, 'all clients but one disconnected');
  expect((await (await connect(port)).send(get('/now')).readResponse()).text).toBe('GET /now');
});

test('many rejected clients are cut off without effect on an admitted client', async () => {
  const { port, server } = await startHandler(echo, { limits: { maxConnections: 1 }, timeouts: { lingerMs: 60_000 } });
  const inside = await connect(port);
  await inside.send(get('/in')).readResponse();
  const crowd: (Client | null)[] = [];
  // A client that is cut off at once may not even see the connection.
  for (let i = 0; i < 100; i++) crowd.push(await connect(port).catch(() => null));
  await until(() => server.stats().connections.refused === 100, 'all clients were rejected');
  const ends = await Promise.all(crowd.map((client) => client?.closed() ?? 'reset'));
  expect(ends.filter((end) => end === 'reset')).toHaveLength(100 - 64);
  expect((await inside.send(get('/still')).readResponse()).text).toBe('GET /still');
});

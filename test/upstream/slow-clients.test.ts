// Tests that slow clients hold no worker of an upstream, and that memory and temporary files for them are bounded.

import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { type Client, connect, get, post } from '../support/client.ts';
import { start } from '../support/serving.ts';
import { until } from '../support/until.ts';
import { uwsgiUpstream } from '../support/uwsgi-upstream.ts';

const MIB = 1_048_576;

/** Content without a pattern that repeats within a piece. */
const CONTENT = Buffer.alloc(8 * MIB);
for (let i = 0; i < CONTENT.length; i += 4) CONTENT.writeUInt32LE((i * 2_654_435_761) % 2 ** 32, i);

const sum = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A client that reads nothing until it resumes. */
async function slowClient(port: number): Promise<Client> {
  const client = await connect(port);
  client.socket.pause();
  return client;
}

for (const [framing, lines] of [
  ['a length', `Content-Length: ${CONTENT.length}\r\n`],
  ['no length', ''],
] as const) {
  test(`a response with ${framing} is taken whole while its client reads nothing`, async () => {
    const upstream = await uwsgiUpstream(({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\n${lines}\r\n`);
      socket.end(CONTENT);
    });
    const { port } = await start({ proxy: upstream.place, timeouts: { sendMs: 60_000 } });
    const client = await slowClient(port);
    client.send(get('/'));
    await until(() => upstream.requests.length === 1 && upstream.open.size === 0, 'the program has done its part');
    client.socket.resume();
    const answer = await client.readResponse();
    expect(answer.content.length).toBe(CONTENT.length);
    expect(sum(answer.content)).toBe(sum(CONTENT));
  });
}

test('without room for temporary files, the program waits for the client, and the content is whole', async () => {
  const upstream = await uwsgiUpstream(({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    socket.end(CONTENT);
  });
  const site = await start({ proxy: upstream.place, limits: { maxSpoolBytes: 0 } });
  const client = await slowClient(site.port);
  await client.send(get('/')).flushed();
  await until(() => (upstream.requests[0]?.socket.writableLength ?? 0) > 0, 'the program waits');
  client.socket.resume();
  expect(sum((await client.readResponse()).content)).toBe(sum(CONTENT));
  const refused = await connect(site.port);
  const answer = await refused.send(post('/', 'x'.repeat(70_000))).readResponse();
  expect([answer.status, answer.field('Retry-After')]).toEqual([503, '1']);
  expect(site.errors.splice(0).map(String)).toEqual([expect.stringContaining('maxSpoolBytes')]);
});

test('temporary files have no names', async () => {
  const upstream = await uwsgiUpstream(({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    socket.end(CONTENT);
  });
  const { port } = await start({ proxy: upstream.place });
  const before = new Set(await readdir(tmpdir()));
  const client = await slowClient(port);
  client.send(get('/'));
  await until(() => upstream.requests.length === 1 && upstream.open.size === 0, 'the program has done its part');
  const isNamed = (name: string): boolean => !before.has(name) && /^epoll-server-[0-9a-f]{32}$/.test(name);
  // A file, of another test too, has a name for the moment between its creation and the removal of the name.
  await until(async () => !(await readdir(tmpdir())).some(isNamed), 'no file has a name');
});

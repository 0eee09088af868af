// Tests the C floor of the benchmark: one response for each empty line, for any split of the heads.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { folder } from '../support/folder.ts';
import { REPOSITORY, startProgram } from '../support/program.ts';

const HEAD = 'GET /?n=1 HTTP/1.1\r\nHost: floor\r\n\r\n';
const RESPONSE =
  'HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n' +
  'Content-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nfloor';

async function connectToFloor(): Promise<Socket> {
  const program = join(await folder(), 'floor');
  const source = join(REPOSITORY, 'src', 'tools', 'compare', 'peers', 'floor.c');
  execFileSync('cc', ['-Wall', '-Wextra', '-Werror', '-o', program, source]);
  const floor = startProgram(program, ['floor']);
  const socket = connect(Number(await floor.announced(/PORT (\d+)/)), '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  return socket;
}

/** Reads the bytes of `count` responses. */
async function responses(socket: Socket, count: number): Promise<string> {
  let text = '';
  while (text.length < count * RESPONSE.length) text += String((await once(socket, 'data'))[0]);
  return text;
}

test('pipelined requests get one response each, and then the connection closes', async () => {
  const socket = await connectToFloor();
  for (const count of [1, 16, 1_000]) {
    socket.write(HEAD.repeat(count));
    expect(await responses(socket, count)).toBe(RESPONSE.repeat(count));
  }
  socket.end(HEAD);
  expect(await responses(socket, 1)).toBe(RESPONSE);
  await once(socket, 'end');
});

test('a split head gets its response when the rest arrives, for any split', async () => {
  const socket = await connectToFloor();
  // The response to the earlier head shows that the first part was received.
  for (let cut = 0; cut <= HEAD.length; cut++) {
    socket.write(HEAD + HEAD.slice(0, cut));
    const isWhole = cut === HEAD.length;
    expect(await responses(socket, isWhole ? 2 : 1), `cut at ${cut}`).toBe(RESPONSE.repeat(isWhole ? 2 : 1));
    if (isWhole) continue;
    socket.write(HEAD.slice(cut));
    expect(await responses(socket, 1), `cut at ${cut}`).toBe(RESPONSE);
  }
});

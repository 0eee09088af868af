// Tests that the benchmark of HTTPS runs and prints figures; their size is not checked. A run this short can have a cost of
// no tick of the clock, and so a ratio that is no number.

import { expect, test } from 'vitest';
import { startProgram } from '../support/program.ts';

function bench(...args: readonly string[]) {
  return startProgram(process.execPath, ['bench/tls.js', ...args]);
}

test('every case is measured over two servers, which negotiate the same', async () => {
  const few = ['--rounds', '1', '--seconds', '0.1', '--handshakes', '8', '--idle', '20'];
  const program = bench('--only', 'epoll-server,node:https', ...few);
  expect(await program.ended(), program.stderr).toBe(0);
  const figures = String.raw`( +-?[\d.]+){2}`;
  expect(program.stdout).toMatch(/TLSv1\.3, TLS_AES_128_GCM_SHA256, X25519, prime256v1, load by/);
  for (const name of ['keep-alive request, us', '1 MiB, us']) {
    expect(program.stdout).toMatch(new RegExp(`^${name}${figures} +\\S+ x node:https +at most`, 'm'));
  }
  for (const name of ['full handshake, us', 'resumed handshake, us']) {
    expect(program.stdout).toMatch(new RegExp(`^${name}${figures} +at most [\\d.]+ x nginx +not compared$`, 'm'));
  }
  expect(program.stdout).toMatch(new RegExp(`^idle connection, KiB${figures} +at most 15 KiB +\\w+`, 'm'));
});

test.each([
  [['--only', 'rails'], 'there is no server rails: epoll-server, nginx, Bun, uWebSockets.js, node:https'],
  [['--cases', 'odd'], 'there is no case odd: keep-alive, file, full, resumed, idle'],
  [['--rounds', 'x'], '--rounds is a number above 0, not x'],
])('%j is refused in one line', async (args, message) => {
  const program = bench(...args);
  expect(await program.ended()).toBe(1);
  expect(program.stderr).toBe(`bench:tls: ${message}\n`);
});

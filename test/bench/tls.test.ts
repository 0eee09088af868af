// Tests that the benchmark of HTTPS runs and prints figures; their size is not checked. A run this short can have a cost of
// no tick of the clock, and so a ratio that is no number.

import { expect, test } from 'vitest';
import { startProgram } from '../support/program.ts';

function bench(...args: readonly string[]) {
  return startProgram(process.execPath, ['bench/tls.js', ...args]);
}

const FIGURE = String.raw` +-?[\d.]+`;

test('two servers are compared, which negotiate the same', async () => {
  const few = ['--cases', 'keep-alive', '--rounds', '1', '--seconds', '0.1'];
  const program = bench('--only', 'epoll-server,node:https', ...few);
  expect(await program.ended(), program.stderr).toBe(0);
  expect(program.stdout).toMatch(/TLSv1\.3, TLS_AES_128_GCM_SHA256, X25519, prime256v1, load by/);
  const line = String.raw`^keep-alive request, us${FIGURE}${FIGURE} +\S+ x node:https +at most`;
  expect(program.stdout).toMatch(new RegExp(line, 'm'));
});

test('handshakes and idle connections of one server are measured', async () => {
  const few = ['--cases', 'resumed,idle', '--rounds', '1', '--handshakes', '8', '--idle', '20'];
  const program = bench('--only', 'epoll-server', ...few);
  expect(await program.ended(), program.stderr).toBe(0);
  const line = String.raw`^resumed handshake, us${FIGURE} +at most [\d.]+ x nginx +not compared$`;
  expect(program.stdout).toMatch(new RegExp(line, 'm'));
  expect(program.stdout).toMatch(new RegExp(String.raw`^idle connection, KiB${FIGURE} +at most 15 KiB +\w+`, 'm'));
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

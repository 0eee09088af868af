// Tests with strace(1) that each model waits and serves with the system calls that its name promises, and with no others.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { portOf, REPOSITORY, startProgram } from '../support/program.ts';
import { pause, until } from '../support/until.ts';
import type { ModelName } from './models.ts';

const REQUESTS = 8;
const CLIENTS = 2;
const TRACED =
  'accept4,recvfrom,sendto,poll,ppoll,select,pselect6,epoll_wait,epoll_pwait,epoll_pwait2,epoll_ctl,clone,clone3,vfork,fork,execve';

const APPLICATION = `export const application = (environ, startResponse) => {
  startResponse('200 OK', []);
  return environ.PATH_INFO;
};`;

/** The calls of one model while it serves: of its process and all threads and children. */
class Calls {
  readonly #lines: readonly string[];

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  /** The number of calls whose name and arguments match. */
  count(pattern: RegExp): number {
    return this.#lines.filter((line) => pattern.test(line)).length;
  }

  toString(): string {
    return this.#lines.slice(0, 60).join('\n');
  }
}

/**
 * Sends REQUESTS requests per client, with pauses, and returns the calls of the server. The last client stays connected
 * until there are `enough`.
 */
async function callsOf(
  model: ModelName,
  args: readonly string[] = [],
  enough: (calls: Calls) => boolean = () => true,
): Promise<Calls> {
  const path = await folder({ 'app.mjs': APPLICATION });
  const trace = join(path, 'trace');
  const program = join(REPOSITORY, 'dist', `${model}-server.js`);
  const command = ['-f', '-qq', '-e', 'signal=none', '-e', `trace=${TRACED}`, '-o', trace, process.execPath, program];
  const traced = startProgram('strace', [...command, '0', join(path, 'app.mjs'), ...args]);
  const port = await portOf(traced);
  const pid = Number(await traced.announced(/pid (\d+)\)/));
  // The work of starting is over.
  await pause(300);
  const before = readFileSync(trace, 'latin1').length;
  const callsSince = (): Calls => new Calls(linesOf(readFileSync(trace, 'latin1').slice(before)));
  for (let i = 0; i < CLIENTS; i++) {
    const client = await connect(port);
    for (let request = 0; request < REQUESTS; request++) {
      expect((await client.send(get(`/${request}`)).readResponse()).text).toBe(`/${request}`);
      await pause(5);
    }
    if (i === CLIENTS - 1) await until(() => enough(callsSince()), 'the server has made enough calls');
    client.finish();
    await client.closed();
  }
  const calls = callsSince();
  process.kill(pid, 'SIGTERM');
  await until(() => traced.exit !== null, 'strace ends');
  return calls;
}

/** Calls without process ids. A call that the trace splits because of another thread counts by its second part. */
function linesOf(trace: string): readonly string[] {
  return trace.split('\n').map((line) => line.replace(/^\d+ +/, '').replace(/^<\.\.\. (\w+) resumed>/, '$1('));
}

const EPOLL_WAIT = /^epoll_p?wait2?\(/;
const SELECT = /^p?select6?\(/;
const POLL = /^p?poll\(/;
const CHILD_START = /^(?:clone3?|v?fork)\(/;
/** Calls except clone(2): libuv starts the threads of its pool when they are first needed. */
const NEW_PROCESS = /^(?:clone3?\((?!.*CLONE_THREAD)|v?fork\()/;
const RECEIVED = /^recvfrom\(.* = [1-9]\d*$/;
const RECV_EAGAIN = /^recvfrom\(.* EAGAIN /;
const ACCEPT_EAGAIN = /^accept4\(.* EAGAIN /;
const BLOCKING_ACCEPT = /^accept4\(.*SOCK_CLOEXEC\) = \d/;

function expectBlocking(calls: Calls): void {
  const shown = calls.toString();
  expect(calls.count(RECEIVED), shown).toBe(CLIENTS * REQUESTS);
  expect(calls.count(RECV_EAGAIN), shown).toBe(0);
  expect(calls.count(BLOCKING_ACCEPT), shown).toBe(CLIENTS);
  expect(calls.count(/^accept4\(.*SOCK_NONBLOCK/), shown).toBe(0);
}

/** The epoll descriptor of libuv reports results of V8 and of the thread pool. No request waits there. */
function expectNoRequestByEpoll(calls: Calls): void {
  expect(calls.count(EPOLL_WAIT), calls.toString()).toBeLessThan((CLIENTS * REQUESTS) / 2);
}

test('iterative: poll, blocking accept and recv, no epoll for requests, no children', async () => {
  const calls = await callsOf('iterative');
  expectBlocking(calls);
  expect(calls.count(POLL), calls.toString()).toBeGreaterThanOrEqual(CLIENTS * REQUESTS);
  for (const foreign of [SELECT, CHILD_START, /^execve\(/]) expect(calls.count(foreign), calls.toString()).toBe(0);
  expectNoRequestByEpoll(calls);
});

test('multiprocess: a program is executed for each client, which uses blocking recv', async () => {
  const calls = await callsOf('multiprocess');
  expectBlocking(calls);
  expect(calls.count(/^execve\(.* = 0$/), calls.toString()).toBe(CLIENTS);
  expect(calls.count(CHILD_START)).toBeGreaterThanOrEqual(CLIENTS);
});

test('multiprocess --workers: no program is executed for a client', async () => {
  const calls = await callsOf('multiprocess', ['--workers', '2']);
  expectBlocking(calls);
  expect(calls.count(/^execve\(/) + calls.count(CHILD_START), calls.toString()).toBe(0);
});

test('multithread: a thread is created for each client, and no program is executed', async () => {
  const calls = await callsOf('multithread');
  expectBlocking(calls);
  expect(calls.count(/^clone3?\(.*CLONE_THREAD/), calls.toString()).toBeGreaterThanOrEqual(CLIENTS);
  expect(calls.count(/^execve\(/), calls.toString()).toBe(0);
});

test.each(['coroutine', 'epoll'] as const)('%s: epoll_wait, and no epoll_ctl for a request', async (model) => {
  const calls = await callsOf(model, ['--backend', 'epoll']);
  const shown = calls.toString();
  expect(calls.count(EPOLL_WAIT), shown).toBeGreaterThanOrEqual(CLIENTS * REQUESTS);
  expect(calls.count(RECEIVED), shown).toBe(CLIENTS * REQUESTS);
  expect(calls.count(/^epoll_ctl\(/), shown).toBeLessThanOrEqual(CLIENTS + 1);
  expect(calls.count(/^accept4\(.*SOCK_NONBLOCK.* = \d/), shown).toBe(CLIENTS);
  for (const foreign of [POLL, SELECT, NEW_PROCESS, /^execve\(/]) expect(calls.count(foreign), shown).toBe(0);
});

test.each([
  ['select', SELECT, POLL],
  ['poll', POLL, SELECT],
] as const)('%s: requests are waited for with this call, without epoll', async (model, wait, foreign) => {
  const calls = await callsOf(model);
  const shown = calls.toString();
  expect(calls.count(wait), shown).toBeGreaterThanOrEqual(CLIENTS * REQUESTS);
  expect(calls.count(RECEIVED), shown).toBe(CLIENTS * REQUESTS);
  for (const other of [foreign, NEW_PROCESS]) expect(calls.count(other), shown).toBe(0);
  expectNoRequestByEpoll(calls);
});

test('nonblocking: recv and accept return EAGAIN again and again, and no call blocks', async () => {
  const isSweeping = (calls: Calls): boolean => calls.count(RECV_EAGAIN) > 100 && calls.count(ACCEPT_EAGAIN) > 100;
  const calls = await callsOf('nonblocking', [], isSweeping);
  expect(calls.count(RECEIVED)).toBe(CLIENTS * REQUESTS);
  expect(calls.count(POLL) + calls.count(SELECT)).toBe(0);
  // libuv gets a turn now and then, which does not block either.
  expect(calls.count(/^epoll_p?wait2?\(\d+, .*, \d+, (?:-1|[1-9]\d*)[,)]/), calls.toString()).toBe(0);
});

// What can befall a whole process: no descriptors, little memory, a full disk, being stopped, time that jumps, a
// root that is gone, storms of clients. A good client must be answered within a second throughout.
import { spawn, spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ask, goodClient, idleClients, load, resetStorm } from './clients.js';
import { makeRoot, pause, Target } from './target.js';

/** The promise: a good client waits at most this long. */
const MAX_WAIT_MS = 1_000;

/** Runs `trial(target, place)` beside a good client, and judges that client's luck. */
export async function beside(options, trial, { allowed = [] } = {}) {
  const place = makeRoot();
  const target = await Target.start(place.root, options(place));
  try {
    const client = goodClient(target.port);
    const said = await trial(target, place);
    const { outcomes, slowestMs } = await client.stop();
    const others = Object.keys(outcomes).filter((name) => name !== 'right' && !allowed.includes(name));
    const isRight = target.isAlive && others.length === 0 && slowestMs <= MAX_WAIT_MS && said.isRight !== false;
    const counts = Object.entries(outcomes).map(([name, count]) => `${count} ${name}`);
    return { isRight, text: `${said.text}; good client: ${counts.join(', ')}, slowest ${slowestMs} ms` };
  } finally {
    await target.stop();
    place.remove();
  }
}

/** Connections that are held open and say nothing. */
async function hold(port, count) {
  const sockets = Array.from({ length: count }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}));
  await pause(300);
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

/** `ulimit -n 64` and twice as many clients: who is inside is served, who waits is taken up when there is room. */
async function descriptors() {
  const place = makeRoot();
  const target = await Target.start(place.root, { wrapper: ['prlimit', '--nofile=64:64'] });
  const release = await hold(target.port, 120);
  const cpu = () => process.cpuUsage();
  const before = cpu();
  await pause(500);
  const isQuiet = cpu().user - before.user < 400_000;
  const begin = performance.now();
  release();
  const outcome = await ask(target.port, 'small.txt', 5_000);
  const waitedMs = Math.round(performance.now() - begin);
  const isRight = target.isAlive && outcome === 'right' && waitedMs <= MAX_WAIT_MS && isQuiet;
  await target.stop();
  place.remove();
  return {
    isRight,
    text: `120 clients, 64 descriptors; when they leave, a new client is answered (${outcome}) after ${waitedMs} ms`,
  };
}

/** Stopped for two seconds: the good client's own wait is the stop. */
async function stopped() {
  const place = makeRoot();
  const target = await Target.start(place.root);
  target.signal('SIGSTOP');
  const early = ask(target.port, 'small.txt', 10_000);
  await pause(2_000);
  const begin = performance.now();
  target.signal('SIGCONT');
  const outcome = await early;
  const waitedMs = Math.round(performance.now() - begin);
  const after = await ask(target.port);
  await target.stop();
  place.remove();
  const isRight = outcome === 'right' && after === 'right' && waitedMs <= MAX_WAIT_MS;
  return { isRight, text: `who asked meanwhile is answered (${outcome}) ${waitedMs} ms after SIGCONT; then: ${after}` };
}

/** Stopped for longer than any deadline, while a thousand clients that were idle ask: all of them are heard. */
async function stoppedLong() {
  const place = makeRoot();
  const target = await Target.start(place.root);
  const clients = await idleClients(target.port, 1_000);
  target.signal('SIGSTOP');
  const answers = clients.ask();
  await pause(2_500);
  target.signal('SIGCONT');
  const answered = await answers;
  const after = await ask(target.port);
  await target.stop();
  place.remove();
  return {
    isRight: answered === 1_000 && after === 'right',
    text: `${answered} of 1,000 idle clients that asked meanwhile are answered; then: ${after}`,
  };
}

/** slowhttptest in one mode, 200 connections, 8 s. */
function slow(flags) {
  return () =>
    beside(
      () => ({}),
      async (target) => {
        const url = `http://127.0.0.1:${target.port}/large.bin`;
        const args = [...flags, '-c', '200', '-r', '100', '-l', '8', '-p', '2', '-u', url];
        const child = spawn('slowhttptest', args, { stdio: 'ignore' });
        const code = await new Promise((resolve) => child.once('exit', resolve));
        return { text: `200 connections for 8 s (exit ${code})`, isRight: code !== null };
      },
    );
}

const faketime = () =>
  spawnSync('find', ['/usr/lib', '-name', 'libfaketime.so.1'], { encoding: 'utf8' }).stdout.split('\n')[0];

export const HARDSHIPS = [
  { name: 'descriptors run out (`ulimit -n 64`)', run: descriptors, needs: 'prlimit' },
  {
    name: 'little memory (768 MiB of data segment, 32 MiB of JavaScript heap)',
    needs: 'prlimit',
    run: () =>
      beside(
        () => ({ wrapper: ['prlimit', '--data=805306368'], nodeFlags: ['--max-old-space-size=32'] }),
        async (target) => {
          const outcomes = await load(target.port, { clients: 40, untilMs: Date.now() + 3_000, timeoutMs: 5_000 });
          return { text: `40 clients: ${JSON.stringify(outcomes)}`, isRight: outcomes.wrong === undefined };
        },
      ),
  },
  {
    name: 'the disk of the access log is full (`/dev/full`)',
    run: () =>
      beside(
        () => ({ flags: ['--access-log', '/dev/full'] }),
        async (target) => {
          await pause(1_000);
          const isTold = target.stderr.includes('is tried again each second');
          return { text: isTold ? 'said once, the server goes on' : `said: ${target.stderr}`, isRight: isTold };
        },
      ),
  },
  { name: 'SIGSTOP for two seconds, SIGCONT', run: stopped },
  { name: 'SIGSTOP for longer than every deadline, SIGCONT', run: stoppedLong },
  {
    name: 'the wall clock jumps by a day, forwards and back',
    needs: 'faketime',
    run: () =>
      beside(
        (place) => ({
          env: {
            LD_PRELOAD: faketime(),
            FAKETIME_TIMESTAMP_FILE: join(place.folder, 'clock'),
            FAKETIME_NO_CACHE: '1',
            DONT_FAKE_MONOTONIC: '1',
            FAKETIME: '+0',
          },
        }),
        async (_, place) => {
          const { writeFileSync } = await import('node:fs');
          for (const offset of ['+1d', '-1d', '+0']) {
            writeFileSync(join(place.folder, 'clock'), offset);
            await pause(1_200);
          }
          return { text: '+1 day, -1 day, back' };
        },
      ),
  },
  {
    name: 'the root folder is removed and restored',
    run: () =>
      beside(
        () => ({}),
        async (target, place) => {
          place.lose();
          await pause(2_000);
          const without = await ask(target.port);
          place.restore();
          await pause(2_000);
          const again = await ask(target.port);
          return { text: `without it: ${without}, with it: ${again}`, isRight: without === '404' && again === 'right' };
        },
        { allowed: ['404'] },
      ),
  },
  {
    name: '2,000 connections opened and reset at once',
    run: () =>
      beside(
        () => ({}),
        async (target) => {
          const before = target.descriptors();
          const opened = await resetStorm(target.port, 2_000);
          await pause(1_500);
          const left = target.descriptors() - before;
          return { text: `${opened} opened, ${Math.max(left, 0)} descriptors left`, isRight: left <= 3 };
        },
      ),
  },
  { name: 'slowhttptest: slow headers', needs: 'slowhttptest', run: slow(['-H', '-i', '1']) },
  { name: 'slowhttptest: slow bodies', needs: 'slowhttptest', run: slow(['-B', '-i', '1']) },
  { name: 'slowhttptest: ranges', needs: 'slowhttptest', run: slow(['-R']) },
  {
    name: 'slowhttptest: slow reading',
    needs: 'slowhttptest',
    run: slow(['-X', '-w', '512', '-y', '1024', '-n', '1', '-z', '32', '-k', '3']),
  },
];

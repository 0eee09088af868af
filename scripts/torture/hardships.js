// Hardships of a whole process: no descriptors, little memory, a full disk, a stopped process, clock jumps, a missing
// root, storms of clients. A good client has to get its responses within a second throughout.
import { spawn, spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { goodClient, idleClients, load, requestOnce, resetStorm } from './clients.js';
import { makeSite, pause, Target } from './target.js';

/** The limit for the good client's wait. */
const MAX_WAIT_MS = 1_000;

/** Runs `trial(target, site)` beside a good client, and judges the outcomes of that client. */
export async function beside(options, trial, { allowed = [] } = {}) {
  const site = makeSite();
  const target = await Target.start(site.root, options(site));
  try {
    const client = goodClient(target.port);
    const result = await trial(target, site);
    const { outcomes, slowestMs } = await client.stop();
    const others = Object.keys(outcomes).filter((name) => name !== 'right' && !allowed.includes(name));
    const isRight = target.isAlive && others.length === 0 && slowestMs <= MAX_WAIT_MS && result.isRight !== false;
    const counts = Object.entries(outcomes).map(([name, count]) => `${count} ${name}`);
    return { isRight, text: `${result.text}; good client: ${counts.join(', ')}, slowest ${slowestMs} ms` };
  } finally {
    await target.stop();
    site.remove();
  }
}

/** Opens idle connections. */
async function hold(port, count) {
  const sockets = Array.from({ length: count }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}));
  await pause(300);
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

/**
 * `ulimit -n 64` and twice as many clients: connected clients are served, waiting ones are accepted when there is room.
 */
async function descriptors() {
  const site = makeSite();
  const target = await Target.start(site.root, { wrapper: ['prlimit', '--nofile=64:64'] });
  const release = await hold(target.port, 120);
  const cpu = () => process.cpuUsage();
  const before = cpu();
  await pause(500);
  const isQuiet = cpu().user - before.user < 400_000;
  const begin = performance.now();
  release();
  const outcome = await requestOnce(target.port, 'small.txt', 5_000);
  const waitedMs = Math.round(performance.now() - begin);
  const isRight = target.isAlive && outcome === 'right' && waitedMs <= MAX_WAIT_MS && isQuiet;
  await target.stop();
  site.remove();
  return {
    isRight,
    text: `120 clients, 64 descriptors; after they close, a new client gets a response (${outcome}) within ${waitedMs} ms`,
  };
}

/** Stopped for two seconds: the good client waits for that long. */
async function stopped() {
  const site = makeSite();
  const target = await Target.start(site.root);
  target.signal('SIGSTOP');
  const early = requestOnce(target.port, 'small.txt', 10_000);
  await pause(2_000);
  const begin = performance.now();
  target.signal('SIGCONT');
  const outcome = await early;
  const waitedMs = Math.round(performance.now() - begin);
  const after = await requestOnce(target.port);
  await target.stop();
  site.remove();
  const isRight = outcome === 'right' && after === 'right' && waitedMs <= MAX_WAIT_MS;
  return {
    isRight,
    text: `a request sent meanwhile gets its response (${outcome}) ${waitedMs} ms after SIGCONT; then: ${after}`,
  };
}

/** Stopped for longer than any deadline, while a thousand idle clients send requests: all of them get responses. */
async function stoppedLong() {
  const site = makeSite();
  const target = await Target.start(site.root);
  const clients = await idleClients(target.port, 1_000);
  target.signal('SIGSTOP');
  const responses = clients.requestAll();
  await pause(2_500);
  target.signal('SIGCONT');
  const answered = await responses;
  const after = await requestOnce(target.port);
  await target.stop();
  site.remove();
  return {
    isRight: answered === 1_000 && after === 'right',
    text: `${answered} of 1,000 idle clients that sent requests meanwhile get responses; then: ${after}`,
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
          const isReported = target.stderr.includes('retrying each second');
          return {
            text: isReported ? 'one report; the server keeps running' : `standard error: ${target.stderr}`,
            isRight: isReported,
          };
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
        (site) => ({
          env: {
            LD_PRELOAD: faketime(),
            FAKETIME_TIMESTAMP_FILE: join(site.folder, 'clock'),
            FAKETIME_NO_CACHE: '1',
            DONT_FAKE_MONOTONIC: '1',
            FAKETIME: '+0',
          },
        }),
        async (_, site) => {
          const { writeFileSync } = await import('node:fs');
          for (const offset of ['+1d', '-1d', '+0']) {
            writeFileSync(join(site.folder, 'clock'), offset);
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
        async (target, site) => {
          site.lose();
          await pause(2_000);
          const without = await requestOnce(target.port);
          site.restore();
          await pause(2_000);
          const again = await requestOnce(target.port);
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
          const before = target.descriptors().length;
          const opened = await resetStorm(target.port, 2_000);
          await pause(1_500);
          const left = target.descriptors().length - before;
          return { text: `${opened} opened, ${Math.max(left, 0)} descriptors still open`, isRight: left <= 3 };
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

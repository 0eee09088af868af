// Python applications under failures: workers that die, hang, or have no memory or descriptors left; a server without
// descriptors, a full queue, a temporary folder that is full or gone. A client sees 502, 503 or 504, or the response.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { StartedServer } from '../programs.js';

const HERE = dirname(fileURLToPath(import.meta.url));
const COMMAND = join(HERE, '..', '..', 'dist', 'epoll-server.js');
const APPLICATION = join(HERE, 'torture');
const LARGE_BYTES = 3_000_000;
const UPLOAD_BYTES = 300_000;
const CLIENTS = 16;
const RETRY_MS = 50;
const MAX_TRIES = 200;
/** Longer than a path of the workers' socket may be: that is in /tmp then, and temporary files alone are here. */
const LONG_NAME = 'a-folder-for-temporary-files-alone-that-has-a-long-name';

/** Resolves to the outcome of a request: its status, `wrong` for other content than expected, or the code of an error. */
function outcomeOf(url, { agent, method = 'GET', content = '', expected = 'hello\n', slowMs = 0 } = {}) {
  return new Promise((resolve) => {
    const sent = request(url, { agent, method }, async (response) => {
      response.on('error', (error) => resolve(error.code));
      if (slowMs > 0) await pause(slowMs);
      let length = 0;
      let text = '';
      response.on('data', (bytes) => {
        length += bytes.length;
        if (text.length < expected.length) text += bytes;
      });
      response.on('end', () => {
        const isRight = typeof expected === 'number' ? length === expected : text === expected;
        resolve(response.statusCode === 200 && !isRight ? 'wrong' : response.statusCode);
      });
    });
    sent.on('error', (error) => resolve(error.code));
    sent.end(content);
  });
}

class Outcomes {
  #counts = new Map();

  add(outcome) {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + 1);
  }

  /** @throws AssertionError when one is not among `allowed`, or none is 200. */
  check(allowed) {
    const strange = [...this.#counts.keys()].filter((outcome) => !allowed.includes(outcome));
    assert.deepEqual(strange, [], `outcomes: ${this}`);
    assert.ok((this.#counts.get(200) ?? 0) > 0, `no request got its response: ${this}`);
  }

  toString() {
    return [...this.#counts].map(([outcome, count]) => `${count} of ${outcome}`).join(', ');
  }
}

/** Sends requests in a row over several connections until `isOver`. */
async function load(url, isOver) {
  const outcomes = new Outcomes();
  const agent = new Agent({ keepAlive: true });
  const one = async () => {
    while (!isOver()) outcomes.add(await outcomeOf(url, { agent }));
  };
  await Promise.all(Array.from({ length: CLIENTS }, one));
  agent.destroy();
  return outcomes;
}

/** Runs `trial` while others send requests; returns their outcomes. */
async function underLoad(base, trial) {
  let isOver = false;
  const loaded = load(`${base}/`, () => isOver);
  try {
    await trial();
  } finally {
    isOver = true;
  }
  return loaded;
}

async function served({ args = [], env = {}, wrapper = [] }, python, use) {
  const own = [COMMAND, '0', 'torture_app:application', '--python', python, '--python-workers', '2', ...args];
  const [command, ...before] = [...wrapper, process.execPath];
  const environment = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...env };
  const server = new StartedServer(command, [...before, ...own], { cwd: APPLICATION, env: environment });
  try {
    return await use(await server.url(), server);
  } finally {
    await server.stop();
  }
}

/** The Python processes of a server, by its children. */
function workersOf(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return children.filter((child) => commandOf(child).includes('epoll_server_worker.py')).map(Number);
}

/** @throws AssertionError when `condition` has not become true. */
async function until(condition) {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (await condition()) return;
    await pause(RETRY_MS);
  }
  assert.fail(`it has not become true: ${condition}`);
}

async function times(count, action) {
  for (let i = 0; i < count; i++) await action(i);
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It has ended.
    return '';
  }
}

/** Requests that kill their worker get 502; others are accepted by the next one. */
function dying(python) {
  return served({}, python, async (base) => {
    const killers = new Outcomes();
    const others = await underLoad(base, () =>
      times(3, async () => {
        killers.add(await outcomeOf(`${base}/die`, { method: 'POST' }));
        await pause(1_200);
      }),
    );
    others.check([200]);
    assert.equal(`${killers}`, '3 of 502');
    return others;
  });
}

/** Workers are killed from outside while idempotent requests wait: none of those fails. */
function killed(python) {
  return served({ args: ['--workers', '2'] }, python, async (base, server) => {
    const others = await underLoad(base, () =>
      times(4, async () => {
        process.kill(server.pid, 'SIGHUP');
        await pause(1_500);
        process.kill(workersOf(server.pid)[0], 'SIGKILL');
        await pause(1_500);
      }),
    );
    others.check([200]);
    return others;
  });
}

/** All workers hang: their clients get 504, those that wait 504 too or a response of the next workers. */
function hanging(python) {
  return served({ args: ['--handler-timeout-ms', '1500'] }, python, async (base) => {
    const hangs = [];
    const others = await underLoad(base, async () => {
      for (let i = 0; i < 2; i++) hangs.push(outcomeOf(`${base}/hang`));
      await Promise.all(hangs);
      await pause(3_000);
    });
    others.check([200, 504]);
    assert.deepEqual(await Promise.all(hangs), [504, 504]);
    assert.equal(await outcomeOf(`${base}/`), 200);
    return others;
  });
}

/** An application without memory gets MemoryError, which is 500 for that request alone. */
function withoutMemory(python) {
  return served({ env: { TORTURE_MEMORY_BYTES: String(400 * 2 ** 20) } }, python, async (base) => {
    const others = await underLoad(base, () =>
      times(20, async () => assert.equal(await outcomeOf(`${base}/memory`), 500)),
    );
    others.check([200]);
    return others;
  });
}

/** An application that leaks descriptors until its worker cannot accept: the worker is replaced. */
function withoutDescriptorsInWorkers(python) {
  return served({ env: { TORTURE_FILES: '40' } }, python, async (base) => {
    const leaks = new Outcomes();
    const others = await underLoad(base, () => times(150, async () => leaks.add(await outcomeOf(`${base}/leak`))));
    others.check([200]);
    leaks.check([200, 500]);
    return others;
  });
}

/** A server with 64 descriptors and more clients than that. */
function withoutDescriptors(python) {
  const wrapper = ['prlimit', '--nofile=64:64'];
  return served({ wrapper }, python, async (base) => {
    const outcomes = new Outcomes();
    await times(5, async () => {
      const all = Array.from({ length: 60 }, () => outcomeOf(`${base}/`));
      for (const outcome of await Promise.all(all)) outcomes.add(outcome);
    });
    outcomes.check([200, 503]);
    // Connections of the last round may be closing still.
    await until(async () => (await outcomeOf(`${base}/`)) === 200);
    return outcomes;
  });
}

/** Stopped workers: the backlog and the queue fill, and what is beyond them gets 503. */
function fullSockets(python) {
  const args = ['--max-upstream-connections', '64', '--max-upstream-queue', '32', '--max-connections-per-address', '0'];
  return served({ args }, python, async (base, server) => {
    const workers = workersOf(server.pid);
    for (const worker of workers) process.kill(worker, 'SIGSTOP');
    const outcomes = new Outcomes();
    const all = Array.from({ length: 150 }, async (_, i) => {
      // Content that the socket of a stopped worker cannot hold.
      const isUpload = i % 2 === 0;
      const content = isUpload ? 'x'.repeat(UPLOAD_BYTES) : '';
      const more = isUpload ? { method: 'POST', content, expected: `${UPLOAD_BYTES}` } : {};
      outcomes.add(await outcomeOf(`${base}${isUpload ? '/length' : '/'}`, more));
    });
    await until(() => `${outcomes}`.includes('503'));
    for (const worker of workers) process.kill(worker, 'SIGCONT');
    await Promise.all(all);
    outcomes.check([200, 503]);
    return outcomes;
  });
}

/** Uploads have no room and get 503; responses to slow clients wait in the worker, and are whole. */
async function withoutTemporaryFiles(base) {
  const outcomes = new Outcomes();
  const uploads = new Outcomes();
  const others = await underLoad(base, async () => {
    const slow = Array.from({ length: 4 }, (_, i) =>
      outcomeOf(`${base}/large`, { expected: LARGE_BYTES, slowMs: 500 + 100 * i }),
    );
    const upload = { method: 'POST', content: 'x'.repeat(UPLOAD_BYTES), expected: `${UPLOAD_BYTES}` };
    await times(10, async () => uploads.add(await outcomeOf(`${base}/length`, upload)));
    for (const outcome of await Promise.all(slow)) outcomes.add(outcome);
  });
  others.check([200]);
  outcomes.check([200]);
  assert.equal(`${uploads}`, '10 of 503');
  return others;
}

/** Files of more than 64 KiB cannot be written, as on a full disk. */
function fullFolder(python) {
  const wrapper = ['sh', '-c', 'trap \'\' XFSZ; ulimit -f 128; exec "$@"', 'sh'];
  return served({ wrapper }, python, withoutTemporaryFiles);
}

async function missingFolder(python) {
  const parent = mkdtempSync(join(tmpdir(), 'torture-'));
  const folder = join(parent, LONG_NAME);
  mkdirSync(folder);
  try {
    return await served({ env: { TMPDIR: folder } }, python, (base) => {
      rmSync(parent, { recursive: true });
      return withoutTemporaryFiles(base);
    });
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

const TRIALS = [
  ['workers that requests kill', dying],
  ['reloads and killed workers', killed],
  ['workers that hang', hanging],
  ['workers without memory', withoutMemory],
  ['workers without descriptors', withoutDescriptorsInWorkers],
  ['a server without descriptors', withoutDescriptors],
  ['stopped workers, a full backlog and queue', fullSockets],
  ['a full temporary folder', fullFolder],
  ['no temporary folder', missingFolder],
];

/** Runs all trials. @throws AssertionError for the first in which a client saw something else. */
export async function torturePython(python) {
  for (const [name, trial] of TRIALS) {
    const outcomes = await trial(python).catch((error) => {
      throw new Error(`${name}: ${error.message}`, { cause: error });
    });
    process.stdout.write(`${name}: ${outcomes}\n`);
  }
}

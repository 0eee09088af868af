// Threads with files of their own queue jobs in the one thread pool of this process: node pool.mjs FOLDER. Each ends in one
// of the ways of ENDINGS while its jobs run. Prints a line of JSON: results that are not as they should be, and how many
// descriptors were left open.
import { once } from 'node:events';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createNativeFiles } from '../../../build/modules/kernel/files.js';

const ROUNDS = 4;
const CHAINS = 24;
const JOBS_OF_CHAIN = 40;
const BYTES = 65_536;
const NAMES = ['a.txt', 'b.txt', 'link.txt'];
const ENDINGS = ['wait', 'close', 'destroy', 'terminate', 'exit'];
/** EBADF: the descriptor was closed before the job was queued, or the files were destroyed before it ended. */
const CLOSED = -9;

/** Queues jobs of each kind, each when the one before has ended. */
class Chains {
  #files = createNativeFiles();
  #root;
  #isClosing = false;
  #running = 0;
  #ended;
  wrong = [];

  constructor(folder) {
    this.#root = this.#files.openRoot(folder);
    this.ended = new Promise((resolve) => {
      this.#ended = resolve;
    });
    for (let i = 0; i < CHAINS; i++) {
      this.#running++;
      this.#next(i, JOBS_OF_CHAIN);
    }
  }

  close() {
    this.#isClosing = true;
    this.#files.close(this.#root);
  }

  destroy() {
    this.#isClosing = true;
    this.#files.destroy();
  }

  #next(chain, left) {
    const go = () => (left === 0 ? this.#end() : this.#next(chain + 1, left - 1));
    const done = (name, isRight) => (result, details) => {
      const isClosed = this.#isClosing && result === CLOSED;
      if (!isClosed && !isRight(result, details)) this.wrong.push(`${name} ${result}`);
      go();
    };
    const queued = this.#queue(chain, done);
    if (queued === 0) return;
    if (!this.#isClosing) this.wrong.push(`queue ${queued}`);
    this.#end();
  }

  #queue(chain, done) {
    const [files, root, name] = [this.#files, this.#root, NAMES[chain % NAMES.length]];
    switch (chain % 4) {
      case 0:
        return files.lookLater(
          root,
          name,
          done('look', (result) => result === 0),
        );
      case 1:
        return files.listLater(
          root,
          '',
          100,
          10_000,
          false,
          '',
          done('list', (result) => result === 0),
        );
      case 2:
        return files.describeLater(
          root,
          '',
          Buffer.from(NAMES.map((each) => `${each}\0`).join('')),
          done('describe', (result, facts) => result === 0 && facts.length === 8 * 3 * NAMES.length),
        );
      default:
        return files.openLater(root, name, (file) => {
          if (file < 0) return done('open', () => false)(file);
          this.#read(file, done);
        });
    }
  }

  /** The descriptor is closed while the job reads. */
  #read(file, done) {
    const bytes = new Uint8Array(BYTES);
    const isRight = (count) => count === BYTES && bytes[0] === 120 && bytes[BYTES - 1] === 120;
    const queued = this.#files.readLater(file, bytes, 0, BYTES, 0, done('read', isRight));
    this.#files.close(file);
    if (queued !== 0) done('read', () => false)(queued);
  }

  #end() {
    if (--this.#running === 0) this.#ended();
  }
}

async function runThread({ folder, ending }) {
  const chains = new Chains(folder);
  parentPort.postMessage('queued');
  await new Promise((resolve) => setImmediate(resolve));
  if (ending === 'exit') process.exit(0);
  if (ending === 'close') chains.close();
  if (ending === 'destroy') chains.destroy();
  await chains.ended;
  parentPort.postMessage(chains.wrong);
}

/** Resolves to what was wrong; null: the thread ended before its jobs. */
async function startThread(folder, ending) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { folder, ending } });
  let wrong = null;
  worker.on('message', (message) => {
    if (message !== 'queued') wrong = message;
    else if (ending === 'terminate') worker.terminate();
  });
  await once(worker, 'exit');
  return wrong ?? (['terminate', 'exit'].includes(ending) ? [] : [`${ending}: no result`]);
}

const openDescriptors = () => readdirSync('/proc/self/fd').length;

async function runAll(folder) {
  const root = join(folder, 'pool');
  mkdirSync(root);
  for (const name of ['a.txt', 'b.txt']) writeFileSync(join(root, name), 'x'.repeat(BYTES));
  symlinkSync('b.txt', join(root, 'link.txt'));
  const round = async () => {
    const main = new Chains(root);
    const wrong = await Promise.all(ENDINGS.map((ending) => startThread(root, ending)));
    await main.ended;
    main.destroy();
    return [...wrong.flat(), ...main.wrong];
  };
  const wrong = await round();
  const before = openDescriptors();
  for (let i = 1; i < ROUNDS; i++) wrong.push(...(await round()));
  process.stdout.write(`${JSON.stringify({ wrong, left: openDescriptors() - before })}\n`);
}

if (isMainThread) await runAll(process.argv[2]);
else await runThread(workerData);

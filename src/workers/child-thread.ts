// A thread of its own for some clients: a program once more, in this process, with descriptors by number.

import { Worker } from 'node:worker_threads';
import type { Child } from './crew.ts';
import { dataFor, type Role } from './role.ts';

export interface Thread extends Child {
  /** Hands over a client, by descriptor. `onAdopted` is called when the thread has a copy of it. */
  hand(fd: number, onAdopted: () => void): void;
  /** The descriptor that was handed over and not copied yet; -1: none. */
  readonly inHand: number;
  /** Told each time it is free for a client. */
  onFree: (() => void) | null;
}

/** Starts `program` with `role` in a thread. What becomes of it is told by `taken` and `ended`. */
export function startThread(program: URL, role: Role): Thread {
  const worker = new Worker(program, { argv: process.argv.slice(2), workerData: dataFor(role) });
  let problem = '';
  let inHand = -1;
  let onAdopted = (): void => {};
  worker.on('error', (error) => {
    problem = error.message;
  });
  const ended = new Promise<string>((resolve) => {
    worker.once('exit', (code) => resolve(problem === '' ? `exit code ${code}` : problem));
  });
  const taken = new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve());
    void ended.then((how) => reject(new Error(how)));
  });
  const thread: Thread = {
    name: `thread ${worker.threadId}`,
    taken,
    ended,
    onFree: null,
    get inHand() {
      return inHand;
    },
    hand: (fd, callback) => {
      inHand = fd;
      onAdopted = callback;
      worker.postMessage(fd);
    },
    stop: () => worker.postMessage('stop'),
    kill: () => void worker.terminate(),
  };
  worker.on('message', (word) => {
    if (word === 'free') thread.onFree?.();
    if (word !== 'adopted') return;
    inHand = -1;
    onAdopted();
  });
  return thread;
}

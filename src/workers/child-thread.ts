// A thread of its own for some clients: a program once more, in this process, with descriptors by number.

import { Worker } from 'node:worker_threads';
import type { AcceptedClient } from '../server/blocking-server.ts';
import type { Child } from './child.ts';
import { dataFor, type Role } from './role.ts';

export interface Thread extends Child {
  /** Hands over a client. `onAdopted` is called when the thread has a copy of its descriptor. */
  hand(client: AcceptedClient, onAdopted: () => void): void;
  /** The client that was handed over and whose descriptor was not copied yet; null: none. */
  readonly inHand: AcceptedClient | null;
  /** Told each time it is free for a client. */
  onFree: (() => void) | null;
}

/** Starts `program` with `role` in a thread. What becomes of it is told by `taken` and `ended`. */
export function startThread(program: URL, role: Role): Thread {
  const worker = new Worker(program, { argv: process.argv.slice(2), workerData: dataFor(role) });
  let problem = '';
  let inHand: AcceptedClient | null = null;
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
    hand: (client, callback) => {
      inHand = client;
      onAdopted = callback;
      worker.postMessage(client);
    },
    stop: () => worker.postMessage('stop'),
    kill: () => void worker.terminate(),
  };
  worker.on('message', (word) => {
    if (word === 'free') thread.onFree?.();
    if (word !== 'adopted') return;
    inHand = null;
    onAdopted();
  });
  return thread;
}

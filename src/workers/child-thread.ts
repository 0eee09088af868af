// A child thread that serves clients: the same program in a worker thread, with descriptors passed by number.

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { AcceptedClient } from '../server/blocking-server.ts';
import { ownCertificates } from '../tls/certificate-feed.ts';
import type { Child } from './child.ts';
import { cutOffOf, dataFor, type Role } from './role.ts';

export interface Thread extends Child {
  /** Passes a client to the thread. `onAdopted` is called when the thread has duplicated the descriptor. */
  hand(client: AcceptedClient, onAdopted: () => void): void;
  /** The client that was passed and whose descriptor is not duplicated yet; null: none. */
  readonly inHand: AcceptedClient | null;
  /** Called each time the thread becomes free for a client. */
  onFree: (() => void) | null;
}

/**
 * Starts `program` with `role` in a thread. Its progress is reported by `started` and `ended`. `environment`: variables
 * in addition to those of this process.
 */
export function startThread(program: URL, role: Role, environment: Readonly<Record<string, string>> = {}): Thread {
  const env = { ...process.env, ...environment };
  const { port1, port2 } = new MessageChannel();
  const argv = process.argv.slice(2);
  const worker = new Worker(program, { argv, env, workerData: dataFor(role, port2), transferList: [port2] });
  sendCertificates(worker, port1);
  let problem = '';
  let cutOff = 0;
  let inHand: AcceptedClient | null = null;
  let onAdopted = (): void => {};
  worker.on('error', (error) => {
    problem = error.message;
  });
  const ended = new Promise<string>((resolve) => {
    worker.once('exit', (code) => resolve(problem === '' ? `exit code ${code}` : problem));
  });
  const started = new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve());
    void ended.then((how) => reject(new Error(how)));
  });
  const thread: Thread = {
    name: `thread ${worker.threadId}`,
    started,
    ended,
    get cutOff() {
      return cutOff;
    },
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
    retire: () => worker.postMessage('stop'),
    // Its log files are opened again each second.
    reopenLogs: () => {},
    snapshot: null,
    ask: () => Promise.resolve(true),
    kill: () => void worker.terminate(),
  };
  worker.on('message', (word) => {
    cutOff = cutOffOf(word) ?? cutOff;
    if (word === 'free') thread.onFree?.();
    if (word !== 'adopted') return;
    inHand = null;
    onAdopted();
  });
  return thread;
}

/** Those of this process, now and after each renewal. */
function sendCertificates(worker: Worker, port: MessagePort): void {
  port.unref();
  const unfollow = ownCertificates.follow((parts) => port.postMessage(parts));
  worker.once('exit', () => {
    unfollow();
    port.close();
  });
}

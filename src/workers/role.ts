// What a program was started for: by itself, or by a parent that gives it a client, or listeners. It stands
// in the environment of a process, in the data of a thread; and the child's end of the line to its parent.

import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { checkListen, type ListenAddress, listenText } from '../options/listen-address.ts';
import type { AcceptedClient } from '../server/blocking-server.ts';

const VARIABLE = 'EPOLL_SERVER_ROLE';

export type Role =
  | { readonly kind: 'standalone' }
  /** One client. */
  | { readonly kind: 'client'; readonly client: AcceptedClient }
  /** Listens on these ports and accepts on these descriptors, as others do. */
  | { readonly kind: 'listeners'; readonly addresses: readonly ListenAddress[] }
  /** A thread that is handed one client after the other. */
  | { readonly kind: 'pool' };

/** Where a process finds the first socket that it inherits: behind the three standard streams. */
export const INHERITED_FD = 3;

function textOf(role: Role): string {
  if (role.kind === 'client') return `client ${role.client.fd} ${role.client.listener}`;
  return role.kind === 'listeners' ? `listeners ${role.addresses.map(listenText).join(' ')}` : role.kind;
}

/** The environment of a child with that role. */
export function environmentFor(role: Role): NodeJS.ProcessEnv {
  return { ...process.env, [VARIABLE]: textOf(role) };
}

/** This program's role, taken out of the environment: what it starts itself begins alone. */
export function takeRole(): Role {
  const text = isMainThread ? process.env[VARIABLE] : dataText();
  if (isMainThread) delete process.env[VARIABLE];
  const [kind, ...words] = (text ?? '').split(' ');
  if (kind === 'client') return { kind, client: { fd: Number(words[0]), listener: Number(words[1]) } };
  if (kind === 'listeners') return { kind, addresses: words.map((word) => checkListen(word).address) };
  return kind === 'pool' ? { kind } : { kind: 'standalone' };
}

/** The data of a thread with that role: it has no terminal of its own to look at. */
export function dataFor(role: Role): { readonly role: string; readonly isOnTerminal: boolean } {
  return { role: textOf(role), isOnTerminal: isOnTerminal() };
}

/** Whether standard output is a terminal, of the process that this thread belongs to. */
export function isOnTerminal(): boolean {
  if (isMainThread) return process.stdout.isTTY === true;
  const data: unknown = workerData;
  return typeof data === 'object' && data !== null && 'isOnTerminal' in data && data.isOnTerminal === true;
}

function dataText(): string | undefined {
  const data: unknown = workerData;
  return typeof data === 'object' && data !== null && 'role' in data ? String(data.role) : undefined;
}

/**
 * What a child says: `taken`, it has begun and has its socket; `free`, it waits for a client; `adopted`, it has a copy of
 * the client's socket that was handed to it.
 */
export type Word = 'taken' | 'free' | 'adopted';

export function tellParent(word: Word): void {
  // A parent that is gone hears nothing: `onStopRequest` ends this child.
  if (isMainThread) process.send?.(word, undefined, undefined, () => {});
  else parentPort?.postMessage(word);
}

/** Calls `callback` when the parent stops this child, or is gone. Signals are not for threads. */
export function onStopRequest(callback: () => void): void {
  if (isMainThread) {
    // The parent may have gone while this child began.
    if (!process.connected) return callback();
    process.once('disconnect', callback);
    // The line alone keeps no process alive.
    process.channel?.unref();
  }
  parentPort?.on('message', (message) => {
    if (message === 'stop') callback();
  });
}

function isClient(message: unknown): message is AcceptedClient {
  return typeof message === 'object' && message !== null && 'fd' in message && 'listener' in message;
}

/** The clients that a parent hands to this thread; ends when it is stopped. */
export async function* handedClients(): AsyncGenerator<AcceptedClient> {
  const waiting: AcceptedClient[] = [];
  let wake = (): void => {};
  let isOver = false;
  parentPort?.on('message', (message) => {
    if (isClient(message)) waiting.push(message);
    else isOver = true;
    wake();
  });
  for (;;) {
    const client = waiting.shift();
    if (client !== undefined) {
      yield client;
      continue;
    }
    if (isOver) return;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

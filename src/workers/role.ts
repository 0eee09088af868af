// What a program was started for: by itself, or by a parent that gives it a client, a listener or a port. Told
// in the environment of a process, in the data of a thread; and the child's end of the line to its parent.

import { isMainThread, parentPort, workerData } from 'node:worker_threads';

const VARIABLE = 'EPOLL_SERVER_ROLE';

export type Role =
  | { readonly kind: 'alone' }
  /** One client, whose connection is this descriptor. */
  | { readonly kind: 'client'; readonly fd: number }
  /** Accepts on this descriptor, as others do. */
  | { readonly kind: 'listener'; readonly fd: number }
  /** Listens on this port, as others do. */
  | { readonly kind: 'sharing'; readonly port: number }
  /** A thread that is handed one client after the other. */
  | { readonly kind: 'pool' };

/** Where a process finds the socket that it inherits: behind the three standard streams. */
export const INHERITED_FD = 3;

function textOf(role: Role): string {
  if (role.kind === 'client' || role.kind === 'listener') return `${role.kind}:${role.fd}`;
  return role.kind === 'sharing' ? `sharing:${role.port}` : role.kind;
}

/** The environment of a child with that role. */
export function environmentFor(role: Role): NodeJS.ProcessEnv {
  return { ...process.env, [VARIABLE]: textOf(role) };
}

/** This program's role, taken out of the environment: what it starts itself begins alone. */
export function takeRole(): Role {
  const text = isMainThread ? process.env[VARIABLE] : dataText();
  if (isMainThread) delete process.env[VARIABLE];
  const [, kind, number = ''] = /^(client|listener|sharing|pool)(?::(\d+))?$/.exec(text ?? '') ?? [];
  if (kind === 'client' || kind === 'listener') return { kind, fd: Number(number) };
  if (kind === 'sharing') return { kind, port: Number(number) };
  return kind === 'pool' ? { kind } : { kind: 'alone' };
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
  // A parent that is gone hears nothing: `onDismissed` ends this child.
  if (isMainThread) process.send?.(word, undefined, undefined, () => {});
  else parentPort?.postMessage(word);
}

/** Calls `callback` when the parent dismisses this child, or is gone. Signals are not for threads. */
export function onDismissed(callback: () => void): void {
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

/** The clients that a parent hands to this thread, by descriptor; ends when it is dismissed. */
export async function* handedClients(): AsyncGenerator<number> {
  const waiting: number[] = [];
  let wake = (): void => {};
  let isOver = false;
  parentPort?.on('message', (message) => {
    if (typeof message === 'number') waiting.push(message);
    else isOver = true;
    wake();
  });
  for (;;) {
    const fd = waiting.shift();
    if (fd !== undefined) {
      yield fd;
      continue;
    }
    if (isOver) return;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

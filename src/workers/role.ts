// The role of a program: standalone, or a child to which a parent gives a client or listeners. The role is stored in
// the environment of a process or in the data of a thread. Also the child's end of the channel to its parent.

import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { checkListen, type ListenAddress, listenText } from '../options/listen-address.ts';
import type { AcceptedClient } from '../server/blocking-server.ts';
import { exportTicketKeys, importTicketKeys } from '../tls/server-tls.ts';

const VARIABLE = 'EPOLL_SERVER_ROLE';
/** The secret of the keys of session tickets. It is removed at once, as the role is. */
const TICKETS_VARIABLE = 'EPOLL_SERVER_TICKETS';

export type Role =
  | { readonly kind: 'standalone' }
  /** One client. */
  | { readonly kind: 'client'; readonly client: AcceptedClient }
  /** Listens on these ports and accepts on these descriptors, together with other processes. */
  | { readonly kind: 'listeners'; readonly addresses: readonly ListenAddress[] }
  /** A thread of a pool, which receives one client after the other. */
  | { readonly kind: 'pool' };

/** The first inherited socket of a process: the number behind the three standard streams. */
export const INHERITED_FD = 3;

function textOf(role: Role): string {
  if (role.kind === 'client') return `client ${role.client.fd} ${role.client.listener}`;
  return role.kind === 'listeners' ? `listeners ${role.addresses.map(listenText).join(' ')}` : role.kind;
}

/** The environment of a child with that role. */
export function environmentFor(role: Role): NodeJS.ProcessEnv {
  const tickets = exportTicketKeys();
  return { ...process.env, [VARIABLE]: textOf(role), ...(tickets === null ? {} : { [TICKETS_VARIABLE]: tickets }) };
}

/** Returns this program's role and removes it from the environment, so that programs it starts are standalone. */
export function takeRole(): Role {
  const text = isMainThread ? process.env[VARIABLE] : dataText('role');
  const tickets = isMainThread ? process.env[TICKETS_VARIABLE] : dataText('tickets');
  if (tickets !== undefined) importTicketKeys(tickets);
  if (isMainThread) for (const name of [VARIABLE, TICKETS_VARIABLE]) delete process.env[name];
  const [kind, ...words] = (text ?? '').split(' ');
  if (kind === 'client') return { kind, client: { fd: Number(words[0]), listener: Number(words[1]) } };
  if (kind === 'listeners') return { kind, addresses: words.map((word) => checkListen(word).address) };
  return kind === 'pool' ? { kind } : { kind: 'standalone' };
}

interface ThreadData {
  readonly role: string;
  readonly isOnTerminal: boolean;
  readonly tickets?: string;
}

/** The data of a thread with that role. A thread cannot find out itself whether the process has a terminal. */
export function dataFor(role: Role): ThreadData {
  const tickets = exportTicketKeys();
  return { role: textOf(role), isOnTerminal: isOnTerminal(), ...(tickets === null ? {} : { tickets }) };
}

/** Whether standard output of the process is a terminal. */
export function isOnTerminal(): boolean {
  if (isMainThread) return process.stdout.isTTY === true;
  const data: unknown = workerData;
  return typeof data === 'object' && data !== null && 'isOnTerminal' in data && data.isOnTerminal === true;
}

function dataText(name: 'role' | 'tickets'): string | undefined {
  const data: unknown = workerData;
  return typeof data === 'object' && data !== null && name in data ? String(Object(data)[name]) : undefined;
}

/**
 * Messages of a child: `started`, it runs and has its socket; `free`, it waits for a client; `adopted`, it has
 * duplicated the socket of the client that was passed to it.
 */
export type ChildMessage = 'started' | 'free' | 'adopted';

export function reportToParent(word: ChildMessage): void {
  // If the parent has ended, the message is dropped: `onStopRequest` ends this child.
  if (isMainThread) process.send?.(word, undefined, undefined, () => {});
  else parentPort?.postMessage(word);
}

/** Calls `callback` when the parent stops this child, or has ended. Threads do not receive signals. */
export function onStopRequest(callback: () => void): void {
  if (isMainThread) {
    // The parent may have ended while this child was starting.
    if (!process.connected) return callback();
    process.once('disconnect', callback);
    // The channel alone does not keep the process alive.
    process.channel?.unref();
  }
  parentPort?.on('message', (message) => {
    if (message === 'stop') callback();
  });
}

function isClient(message: unknown): message is AcceptedClient {
  return typeof message === 'object' && message !== null && 'fd' in message && 'listener' in message;
}

/** Yields the clients that a parent passes to this thread, until the thread is stopped. */
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

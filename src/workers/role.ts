// The role of a program: standalone, or a child to which a parent gives a client or listeners. The role is stored in
// the environment of a process or in the data of a thread. Also the child's end of the channel to its parent.

import { constants } from 'node:os';
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Snapshot } from '../admin/snapshot.ts';
import { loadAddon } from '../kernel/addon.ts';
import { checkListen, type ListenAddress, listenText } from '../options/listen-address.ts';
import { SOCKETS_OF_PARENT } from '../options/systemd-sockets.ts';
import type { AcceptedClient } from '../server/blocking-server.ts';
import { expectCertificates } from '../tls/certificate-feed.ts';
import type { CertificateParts } from '../tls/certificate-set.ts';
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
  return role.kind === 'listeners' ? `listeners ${role.addresses.map(textOfAddress).join(' ')}` : role.kind;
}

/** `fd:3`, or `fd:3#1` for a socket of the second listener. */
function textOfAddress(address: ListenAddress): string {
  const of = 'fd' in address ? address.of : undefined;
  return of === undefined ? listenText(address) : `${listenText(address)}#${of}`;
}

function addressOfText(text: string): ListenAddress {
  const [word = '', of] = text.split('#');
  const { address } = checkListen(word);
  return 'fd' in address && of !== undefined ? { ...address, of: Number(of) } : address;
}

/** The environment of a child with that role. */
export function environmentFor(role: Role): NodeJS.ProcessEnv {
  const { LISTEN_PID: listenPid } = process.env;
  return {
    ...process.env,
    // The child counts the sockets of systemd as this process does, and gets them by its role.
    ...(listenPid === undefined ? {} : { LISTEN_PID: SOCKETS_OF_PARENT }),
    [VARIABLE]: `${process.pid} ${textOf(role)}`,
    ...ticketsEnvironment(),
  };
}

/** The variable by which another process of this server decrypts the same session tickets. */
export function ticketsEnvironment(): NodeJS.ProcessEnv {
  const tickets = exportTicketKeys();
  return tickets === null ? {} : { [TICKETS_VARIABLE]: tickets };
}

/** The process that gave this one its role; 0: none. */
let parentPid = 0;

/** Returns this program's role and removes it from the environment, so that programs it starts are standalone. */
export function takeRole(): Role {
  const text = isMainThread ? process.env[VARIABLE] : dataText('role');
  const tickets = isMainThread ? process.env[TICKETS_VARIABLE] : dataText('tickets');
  if (tickets !== undefined) importTicketKeys(tickets);
  if (isMainThread) for (const name of [VARIABLE, TICKETS_VARIABLE]) delete process.env[name];
  // A successor is no child, and reads the files itself.
  if (text !== undefined && tickets !== undefined) receiveCertificates();
  const all = (text ?? '').split(' ');
  if (isMainThread) parentPid = Number(all.shift());
  const [kind, ...words] = all;
  if (kind === 'client') return { kind, client: { fd: Number(words[0]), listener: Number(words[1]) } };
  if (kind === 'listeners') return { kind, addresses: words.map(addressOfText) };
  return kind === 'pool' ? { kind } : { kind: 'standalone' };
}

interface ThreadData {
  readonly role: string;
  readonly isOnTerminal: boolean;
  readonly tickets?: string;
  /** On which the certificates arrive. */
  readonly certificates: MessagePort;
}

/** The message of a parent process with its certificates. */
export interface CertificatesMessage {
  readonly certificates: CertificateParts;
}

/** The parent sends its certificates at once, and after each renewal. */
function receiveCertificates(): void {
  const feed = expectCertificates();
  if (isMainThread) {
    process.on('message', (message) => {
      if (typeof message !== 'object' || message === null || !('certificates' in message)) return;
      // The same program sends it.
      feed.publish(message.certificates as CertificateParts);
    });
    process.channel?.unref();
    return;
  }
  // dataFor() made it.
  const { certificates } = workerData as ThreadData;
  certificates.on('message', (parts: CertificateParts) => feed.publish(parts));
  certificates.unref();
}

/**
 * The data of a thread with that role. A thread cannot find out itself whether the process has a terminal. `certificates`:
 * on which they arrive.
 */
export function dataFor(role: Role, certificates: MessagePort): ThreadData {
  const tickets = exportTicketKeys();
  return { role: textOf(role), isOnTerminal: isOnTerminal(), certificates, ...(tickets === null ? {} : { tickets }) };
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
 * duplicated the socket of the client that was passed to it; or what it has to report, when it is asked or ends.
 */
export type ChildMessage = 'started' | 'free' | 'adopted';

export interface ChildReport {
  /** How many requests it cut off when it closed. */
  readonly cutOff?: number;
  /** What it has counted; null: it does not measure. */
  readonly snapshot?: Snapshot | null;
}

export type ReportedMessage = ChildMessage | ChildReport;

/** Resolves when the message was sent. */
export function reportToParent(message: ReportedMessage): Promise<void> {
  return new Promise((resolve) => {
    // If the parent has ended, the message is dropped: `onStopRequest` ends this child.
    if (isMainThread && process.send !== undefined) {
      process.send(message, undefined, undefined, () => resolve());
      return;
    }
    parentPort?.postMessage(message);
    resolve();
  });
}

/** Calls `callback` whenever the parent process asks for a report. */
export function onAsked(callback: () => void): void {
  process.on('message', (message) => {
    if (message === 'ask') callback();
  });
  // The channel alone does not keep the process alive.
  process.channel?.unref();
}

/**
 * Answers a parent that asks while the application loads, since this process has turns, and ends with the parent: the
 * application may load for ever, or hang. Returns what ends that.
 */
export function answerWhileStarting(): () => void {
  if (!isMainThread) return () => {};
  const answer = (message: unknown): void => {
    if (message === 'ask') void reportToParent({});
  };
  const end = (): void => process.exit();
  process.on('message', answer);
  process.once('disconnect', end);
  process.channel?.unref();
  // Where a sandbox forbids it, a process that has turns still ends with the channel.
  const { setParentDeathSignal } = loadAddon();
  setParentDeathSignal(constants.signals.SIGKILL);
  // The parent may have ended before.
  if (!process.connected || process.ppid !== parentPid) end();
  return () => {
    setParentDeathSignal(0);
    process.off('message', answer);
    process.off('disconnect', end);
  };
}

/** Calls `callback` when log files were renamed. */
export function onReopen(callback: () => void): void {
  process.on('message', (message) => {
    if (message === 'reopen') callback();
  });
  process.channel?.unref();
}

/** How a parent stops a child. */
export interface StopRequest {
  /** It is the second time. */
  readonly isRepeated: boolean;
  /** Another child serves on the same listeners. */
  readonly isReplaced: boolean;
}

/** Calls `callback` when the parent stops this child, or has ended. Threads do not receive signals. */
export function onStopRequest(callback: (request: StopRequest) => void): void {
  const ended = { isRepeated: false, isReplaced: false };
  if (isMainThread) {
    // The parent may have ended while this child was starting.
    if (!process.connected) return callback(ended);
    process.once('disconnect', () => callback(ended));
    process.on('message', (message) => {
      if (message === 'retire') callback({ ...ended, isReplaced: true });
      else if (message === 'cut') callback({ ...ended, isRepeated: true });
    });
    // The channel alone does not keep the process alive.
    process.channel?.unref();
  }
  let isStopped = false;
  parentPort?.on('message', (message) => {
    if (message !== 'stop') return;
    callback({ ...ended, isRepeated: isStopped });
    isStopped = true;
  });
}

/** The number of requests that a thread says it has cut off; null: the message says something else. */
export function cutOffOf(message: unknown): number | null {
  if (typeof message !== 'object' || message === null || !('cutOff' in message)) return null;
  return typeof message.cutOff === 'number' ? message.cutOff : null;
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

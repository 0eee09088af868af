// The real kernel: the addon's calls and the clocks.

import { EpollServerError } from '../errors.ts';
import { type Addon, loadAddon, type NativeCalls } from './addon.ts';
import { type Kernel, KernelMemory, NOT_PREWAITED, NOW_MS, PREWAITED } from './kernel.ts';
import { NativeError } from './native-error.ts';

/**
 * Events taken in one turn. A turn's batch bounds how long promises wait: 256 requests are about
 * a millisecond.
 */
const EVENT_CAPACITY = 256;

/**
 * Bytes received at a time, which is also a connection's budget in one turn: as much as a default
 * Linux receive buffer holds at first (tcp_rmem's 128 KiB, half of it overhead).
 */
const RECEIVE_BYTES = 65_536;

/** Answers batched before they are sent: larger ones go out in several pieces or by reference. */
const OUTPUT_BYTES = 131_072;

/**
 * Connections whose answers leave with one crossing. More would save little (a sixteenth of 400
 * instructions is left) and make the first of them wait for the last.
 */
const SEND_OP_CAPACITY = 16;

/** Whether the system shares clients among processes that listen on one port. */
export function reusePortBalances(addon: Addon = loadAddon()): boolean {
  return addon.reusePortBalances;
}

/** The names of the back ends that can be asked for, best first. */
export function availableBackends(addon: Addon = loadAddon()): readonly string[] {
  return addon.backends;
}

/** The real kernel: also descriptors that other processes and threads opened or will have. */
export type NativeKernel = NativeCalls & Kernel;

/** The environment variable that names the back end where nobody else does. */
export const BACKEND_VARIABLE = 'EPOLL_SERVER_BACKEND';

/**
 * A kernel over the named back end, else over the one that `EPOLL_SERVER_BACKEND` names, else over the best.
 * @throws EpollServerError `ERR_BACKEND` (not in this build), `ERR_ADDON`, `ERR_PLATFORM`;
 * NativeError when the system refuses a poller.
 */
export function createNativeKernel(backend?: string, addon: Addon = loadAddon()): NativeKernel {
  const fromEnvironment = backend === undefined ? process.env[BACKEND_VARIABLE] : undefined;
  const name = backend ?? (fromEnvironment || addon.backends[0]) ?? '';
  if (!addon.backends.includes(name)) {
    const by = fromEnvironment ? ` (${BACKEND_VARIABLE})` : '';
    throw new EpollServerError(
      'ERR_BACKEND',
      `no back end "${name}" here${by}: choose from ${addon.backends.join(', ')}`,
    );
  }
  const memory = new KernelMemory({
    eventCapacity: EVENT_CAPACITY,
    sendOpCapacity: SEND_OP_CAPACITY,
    receiveBytes: RECEIVE_BYTES,
    outputBytes: OUTPUT_BYTES,
  });
  const calls = addon.createKernel(name, memory);
  if (typeof calls === 'number') throw new NativeError('createKernel', calls, `back end ${name}`);
  const { control } = memory;
  return {
    ...memory,
    ...calls,
    wait: (timeoutMs) => {
      const prewaited = control[PREWAITED] ?? NOT_PREWAITED;
      if (prewaited === NOT_PREWAITED) return calls.wait(timeoutMs);
      control[PREWAITED] = NOT_PREWAITED;
      return prewaited;
    },
    now: () => {
      // performance.now() counts from timeOrigin; the addon counts from the monotonic clock's zero.
      control[NOW_MS] = Number(process.hrtime.bigint()) / 1e6;
      return control[NOW_MS];
    },
    wallClockMs: Date.now,
  };
}

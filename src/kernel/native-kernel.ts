// The real kernel: the addon's calls and the clocks.

import { EpollServerError } from '../errors.ts';
import { type Addon, loadAddon, type NativeCalls } from './addon.ts';
import { type Kernel, KernelMemory, NOT_PREWAITED, NOW_MS, PREWAITED } from './kernel.ts';
import { NativeError } from './native-error.ts';

/**
 * Events of one turn. The size of a batch bounds how long promises wait: 256 requests take about a millisecond.
 */
const EVENT_CAPACITY = 256;

/**
 * Bytes of one receive, which is also a connection's budget in one turn. A default Linux receive buffer holds as much
 * at first (tcp_rmem's 128 KiB, half of it overhead).
 */
const RECEIVE_BYTES = 65_536;

/** Responses batched before they are sent: larger ones are sent in several pieces or by reference. */
const OUTPUT_BYTES = 131_072;

/**
 * Connections whose responses are sent with one crossing. A larger batch would save little (a sixteenth of 400
 * instructions is left), and the first response would wait for the last.
 */
const SEND_OP_CAPACITY = 16;

/** Whether the system distributes clients among processes that listen on one port. */
export function reusePortBalances(addon: Addon = loadAddon()): boolean {
  return addon.reusePortBalances;
}

/** The names of the available back ends, best first. */
export function availableBackends(addon: Addon = loadAddon()): readonly string[] {
  return addon.backends;
}

/** The real kernel, which can also adopt descriptors of other processes and threads. */
export type NativeKernel = NativeCalls & Kernel;

/** The environment variable that names the back end where no option does. */
const BACKEND_VARIABLE = 'EPOLL_SERVER_BACKEND';

/**
 * The named back end, else that of `EPOLL_SERVER_BACKEND`, else the best one.
 * @throws EpollServerError `ERR_BACKEND` (not in this build), `ERR_ADDON`, `ERR_PLATFORM`.
 */
export function backEndOf(backend: string | undefined, addon: Addon = loadAddon()): string {
  const fromEnvironment = backend === undefined ? process.env[BACKEND_VARIABLE] : undefined;
  const name = backend ?? (fromEnvironment || addon.backends[0]) ?? '';
  if (addon.backends.includes(name)) return name;
  const by = fromEnvironment ? ` (${BACKEND_VARIABLE})` : '';
  throw new EpollServerError(
    'ERR_BACKEND',
    `the back end "${name}"${by} is not available: choose from ${addon.backends.join(', ')}`,
  );
}

/**
 * Creates a kernel over the back end of {@link backEndOf}.
 * @throws EpollServerError as that does; NativeError when the system cannot create a poller.
 */
export function createNativeKernel(backend?: string, addon: Addon = loadAddon()): NativeKernel {
  const name = backEndOf(backend, addon);
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

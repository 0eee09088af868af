// The real kernel: the addon's calls and the clocks.

import { EpollServerError } from '../errors.ts';
import { type Addon, loadAddon } from './addon.ts';
import { NativeError } from './errno.ts';
import { type Kernel, NOW_MS } from './kernel.ts';

/**
 * Events taken in one turn. A turn's batch bounds how long promises wait: 256 requests are about
 * a millisecond.
 */
const EVENT_CAPACITY = 256;

/**
 * Bytes received at a time, which is also a connection's budget in one turn: as much as a default
 * Linux receive buffer holds at first (tcp_rmem's 128 KiB, half of it overhead).
 */
const INPUT_BYTES = 65_536;

/** Answers staged before one send: larger ones go out in several pieces or by reference. */
const OUTPUT_BYTES = 131_072;

/**
 * Connections whose answers leave with one crossing. More would spare little (a sixteenth of 400
 * instructions is left) and make the first of them wait for the last.
 */
const ORDER_CAPACITY = 16;

/** The names of the back ends that can be asked for, best first. */
export function availableBackends(addon: Addon = loadAddon()): readonly string[] {
  return addon.backends;
}

/**
 * A kernel over the named back end, or over the best one.
 * @throws EpollServerError `ERR_BACKEND` (not in this build), `ERR_ADDON`, `ERR_PLATFORM`;
 * NativeError when the system refuses a poller.
 */
export function createNativeKernel(backend?: string, addon: Addon = loadAddon()): Kernel {
  const name = backend ?? addon.backends[0] ?? '';
  if (!addon.backends.includes(name)) {
    throw new EpollServerError('ERR_BACKEND', `no back end "${name}" here: choose from ${addon.backends.join(', ')}`);
  }
  const calls = addon.createKernel(name, EVENT_CAPACITY, INPUT_BYTES, OUTPUT_BYTES, ORDER_CAPACITY);
  if (typeof calls === 'number') throw new NativeError('createKernel', calls, `back end ${name}`);
  const { control } = calls;
  return {
    ...calls,
    now: () => {
      // performance.now() counts from timeOrigin; the addon counts from the monotonic clock's zero.
      control[NOW_MS] = Number(process.hrtime.bigint()) / 1e6;
      return control[NOW_MS];
    },
    wallClockMs: Date.now,
  };
}

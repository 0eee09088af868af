// Tells the service manager how the service is (sd_notify(3)): a datagram to the Unix domain socket NOTIFY_SOCKET.
// Without that variable nothing is sent.

import { loadAddon } from '../kernel/addon.ts';
import { NativeError } from '../kernel/native-error.ts';
import { logLine } from '../log/log-line.ts';

const MICROSECONDS_A_MILLISECOND = 1_000;

let watchdog: NodeJS.Timeout | null = null;
/** This process ends, or another one is the main one: a reload that is still under way is not reported. */
let isLeaving = false;

/** The service is ready, at its start or after a reload. The pings of its watchdog begin. */
export function tellReady(status = ''): void {
  if (isLeaving) return;
  tell('READY=1', `MAINPID=${process.pid}`, ...(status === '' ? [] : [`STATUS=${status.replaceAll('\n', ' ')}`]));
  if (watchdog === null) watchdog = startWatchdog(process.env);
}

/** A reload begins; {@link tellReady} ends it. */
export function tellReloading(): void {
  if (isLeaving) return;
  // Type=notify-reload compares the time with that of its signal.
  tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`);
}

/** Another process is the main one from now on. */
export function tellMainProcess(pid: number): void {
  isLeaving = true;
  tell(`MAINPID=${pid}`, 'READY=1');
}

export function tellStopping(): void {
  if (isLeaving) return;
  isLeaving = true;
  tell('STOPPING=1');
}

/** WATCHDOG_USEC is the longest time between two pings. They come from the event loop, which they show to turn. */
function startWatchdog({ WATCHDOG_USEC: limit, WATCHDOG_PID: pid }: NodeJS.ProcessEnv): NodeJS.Timeout | null {
  const limitMs = Number(limit) / MICROSECONDS_A_MILLISECOND;
  if (!(limitMs > 0) || (pid !== undefined && pid !== String(process.pid))) return null;
  return setInterval(() => tell('WATCHDOG=1'), limitMs / 2).unref();
}

function tell(...lines: readonly string[]): void {
  const { NOTIFY_SOCKET: path } = process.env;
  if (path === undefined || path === '') return;
  const result = loadAddon().sendDatagram(path, Buffer.from(lines.join('\n')));
  if (result < 0)
    logLine(`the service manager cannot be told (NOTIFY_SOCKET): ${new NativeError('sendto', result).message}`);
}

// What the signals of a service do: end it, reload it, and open its logs again. Upgrades are in upgrades.ts.

import { isatty } from 'node:tty';
import { countText } from '../count-text.ts';
import { messageOf } from '../errors.ts';
import { logLine } from '../log/log-line.ts';
import { drainSinks, reopenSinks } from '../log/log-sink.ts';
import { onReopen, onStopRequest, type Role, reportToParent } from '../workers/role.ts';
import { END_SIGNALS, exitCodeOf } from './end-signals.ts';
import type { Serving } from './model.ts';
import type { PidFile } from './pid-file.ts';
import { tellReady, tellReloading, tellStopping } from './service-manager.ts';
import { Upgrades } from './upgrades.ts';

/** Time to flush logs to a slow pipe reader; the rest is lost. */
const LOG_DRAIN_MS = 2_000;

const EXIT_CUT_OFF = 1;

const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;

/** `makeLogs`: creates the log files of the workers, which may have no right to do so. */
export function handleSignals(server: Serving, role: Role, pidFile: PidFile | null, makeLogs: () => void): void {
  process.on('SIGUSR1', () => {
    try {
      makeLogs();
    } catch (error) {
      logLine(messageOf(error));
    }
    reopenSinks();
    server.reopenLogs?.();
  });
  const upgrades = new Upgrades(server, () => endProcess(server, role, pidFile));
  if (role.kind === 'standalone') process.on('SIGUSR2', () => void upgrades.begin());
  else if (role.kind === 'listeners') onReopen(reopenSinks);
  endOnSignals(server, role, () => {
    upgrades.cancel();
    if (role.kind === 'standalone') tellStopping();
    void endProcess(server, role, pidFile);
  });
}

/**
 * The first signal closes in order, the second one cuts off what is in flight, and the third one exits. A child may
 * receive one request to end twice, from the terminal and from its parent. So for a child a signal of the same kind
 * counts.
 */
function endOnSignals(server: Serving, role: Role, end: () => void): void {
  const received = new Map<NodeJS.Signals, number>();
  let isEnding = false;
  const endOnce = (): void => {
    if (!isEnding) end();
    isEnding = true;
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    received.set(signal, (received.get(signal) ?? 0) + 1);
    const counts = role.kind === 'standalone' ? [...received.values()] : [received.get(signal) ?? 0];
    const count = counts.reduce((sum, each) => sum + each, 0);
    if (count > 2) process.exit(exitCodeOf(signal));
    if (count === 2) void server.close({ now: true });
    endOnce();
  };
  for (const signal of END_SIGNALS) {
    const reloads = signal === 'SIGHUP' && reloadsOnHangup(server, role);
    process.on(signal, reloads ? () => void reload(server) : onSignal);
  }
  if (role.kind === 'standalone') return;
  onStopRequest(({ isRepeated, isReplaced }) => {
    void server.close({ now: isRepeated, isReplaced });
    endOnce();
  });
}

/**
 * SIGHUP makes a parent replace its workers; its workers ignore it, in case the whole process group got it. A terminal
 * that is closed sends it too, and then the server ends. Models without such workers end in any case.
 */
function reloadsOnHangup(server: Serving, role: Role): boolean {
  if (isatty(STANDARD_OUTPUT) || isatty(STANDARD_ERROR)) return false;
  return server.reload !== undefined || (role.kind === 'listeners' && server.snapshot !== undefined);
}

async function reload(server: Serving): Promise<void> {
  if (server.reload === undefined) return;
  tellReloading();
  await server.reload();
  tellReady();
}

/**
 * An application may hold timers and sockets of its own. The process exits all the same, after its log is written. A
 * parent says for its children how much was cut off.
 */
export async function endProcess(server: Serving, role: Role, pidFile: PidFile | null): Promise<void> {
  await server.close();
  const { cutOff } = server;
  if (role.kind !== 'standalone') await reportToParent({ cutOff, snapshot: server.snapshot?.() ?? null });
  else if (cutOff > 0) logLine(`${countText(cutOff, 'request')} cut off at the end`);
  pidFile?.remove();
  await drainSinks(LOG_DRAIN_MS);
  process.exit(cutOff > 0 ? EXIT_CUT_OFF : 0);
}

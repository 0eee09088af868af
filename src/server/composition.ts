// The composition root: makes of the options what serves, and wires it. Reactor servers and blocking ones share it.

import { Connections, type ConnectionsOptions } from '../connection/connections.ts';
import type { Handler } from '../http/handler.ts';
import { HttpClock } from '../http/http-clock.ts';
import { limitProblem } from '../http/limit-problem.ts';
import { HeadWriter } from '../http/response-head.ts';
import { SessionContext } from '../http1/context.ts';
import { Session } from '../http1/session.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { lineFormatter } from '../log/access-log.ts';
import { Watcher } from '../log/watcher.ts';
import type { Driver } from '../reactor/driver.ts';
import { failureAnswerer } from './failure-answer.ts';
import type { ServerSettings } from './options.ts';

export interface Composition {
  readonly connections: Connections;
  /** What all HTTP/1 sessions share. */
  readonly sessions: SessionContext;
  /** Each response is its connection's last from now on, and idle connections end soon. */
  stop(): void;
}

/** What a server knows that the options do not say. */
export type CompositionOptions = Pick<
  ConnectionsOptions,
  'onClosed' | 'listeners' | 'connect' | 'drive' | 'isBlocking'
>;

export function compose(
  settings: ServerSettings,
  handler: Handler,
  kernel: Kernel,
  driver: Driver,
  own: CompositionOptions,
): Composition {
  const { limits, onError, error: answer } = settings;
  const sessions = new SessionContext({
    handler,
    limits,
    headWriter: new HeadWriter(new HttpClock(kernel.wallClockMs), settings.serverHeader),
    observer: composeWatcher(kernel, driver, settings),
    onError,
    answerFailure:
      answer === undefined ? undefined : failureAnswerer(answer, (error, request) => onError(error, request)),
    nowMs: () => driver.nowMs(),
  });
  const connections = new Connections({
    ...own,
    kernel,
    driver,
    limits,
    protocol: (channel) => new Session(channel, sessions),
    textOfRefusal: (limit) => limitProblem('too many connections', limit, limits[limit]),
    onFault: (error) => sessions.report(error, null),
  });
  const stop = (): void => {
    sessions.stop();
    connections.stop();
  };
  return { connections, sessions, stop };
}

function composeWatcher(kernel: Kernel, driver: Driver, settings: ServerSettings): Watcher | null {
  const { accessLog, trace, logFormat } = settings;
  if (accessLog === undefined && trace === undefined) return null;
  const watcher = new Watcher({
    log: accessLog === undefined ? null : { sink: accessLog, format: lineFormatter(logFormat) },
    trace: trace ?? null,
    wallClockMs: kernel.wallClockMs,
  });
  driver.onTurnEnd(() => watcher.flush());
  return watcher;
}

// The composition root: makes of the options what serves, and wires it. Reactor servers and blocking ones share it.

import { Connections, type ConnectionsOptions } from '../connection/connections.ts';
import { assert } from '../errors.ts';
import { Sites } from '../files/sites.ts';
import type { Handler } from '../http/handler.ts';
import { HttpClock } from '../http/http-clock.ts';
import { limitProblem } from '../http/limit-problem.ts';
import { HeadWriter } from '../http/response-head.ts';
import { SessionContext } from '../http1/context.ts';
import { Session } from '../http1/session.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { lineFormatter } from '../log/access-log.ts';
import { logError } from '../log/error-log.ts';
import { Watcher } from '../log/watcher.ts';
import type { Driver } from '../reactor/driver.ts';
import type { ServeOptions } from './options.ts';
import type { ResolvedOptions } from './resolved-options.ts';
import type { Resources } from './resources.ts';

export interface Composition {
  readonly connections: Connections;
  /** What all HTTP/1 sessions share. */
  readonly sessions: SessionContext;
  /** Null when a handler answers. */
  readonly sites: Sites | null;
  /** Each response is its connection's last from now on, and idle connections end soon. */
  stop(): void;
}

/** What a server knows that the options do not say. */
export type CompositionOptions = Pick<
  ConnectionsOptions,
  'onClosed' | 'listeners' | 'connect' | 'drive' | 'isBlocking'
>;

export function compose(
  resolved: ResolvedOptions,
  resources: Resources,
  kernel: Kernel,
  driver: Driver,
  own: CompositionOptions,
): Composition {
  const { limits, options } = resolved;
  const onError = options.onError ?? logError;
  const sites = composeSites(resolved, resources, kernel, driver);
  const sessions = new SessionContext({
    handler: sites?.handler ?? handlerOf(resources),
    limits,
    headWriter: new HeadWriter(new HttpClock(kernel.wallClockMs), options.serverHeader ?? 'epoll-server'),
    observer: composeWatcher(kernel, driver, options),
    onError,
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
  return { connections, sessions, sites, stop };
}

function composeSites(
  { options, limits, folders }: ResolvedOptions,
  { files, application }: Resources,
  kernel: Kernel,
  driver: Driver,
): Sites | null {
  if (folders === null || files === null) return null;
  return new Sites(folders, options.site ?? {}, {
    files,
    limits,
    nowMs: () => driver.nowMs(),
    wallClockMs: kernel.wallClockMs,
    onError: options.onError ?? logError,
    next: application.handler,
  });
}

function handlerOf({ application: { handler } }: Resources): Handler {
  assert(handler !== null, 'a server without files has a handler');
  return handler;
}

function composeWatcher(kernel: Kernel, driver: Driver, options: ServeOptions): Watcher | null {
  const { accessLog, trace, logFormat = 'common' } = options;
  if (accessLog === undefined && trace === undefined) return null;
  const watcher = new Watcher({
    log: accessLog === undefined ? null : { sink: accessLog, format: lineFormatter(logFormat) },
    trace: trace ?? null,
    wallClockMs: kernel.wallClockMs,
  });
  driver.onTurnEnd(() => watcher.flush());
  return watcher;
}

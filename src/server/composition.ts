// The composition root: builds and connects the parts of a server from its options. Reactor and blocking servers share
// it.

import { randomBytes } from 'node:crypto';
import { Connections, type ConnectionsOptions } from '../connection/connections.ts';
import { type ProxiedOptions, ProxiedProtocol } from '../connection/proxied-protocol.ts';
import { RequestMetrics } from '../exchange/request-metrics.ts';
import { INTERNAL_ERROR, sendError } from '../http/error-response.ts';
import type { Handler, HttpRequest, HttpResponse } from '../http/handler.ts';
import { traitsOf } from '../http/handler-traits.ts';
import type { HeadRules } from '../http/head-rules.ts';
import { HttpClock } from '../http/http-clock.ts';
import { limitProblem } from '../http/limit-problem.ts';
import { RequestIds } from '../http/request-ids.ts';
import { HeadWriter } from '../http/response-head.ts';
import { SessionContext, type SessionEvents } from '../http1/context.ts';
import { Session } from '../http1/session.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { lineFormatter } from '../log/access-log.ts';
import { RequestLog } from '../log/request-log.ts';
import { AddressSet } from '../options/address-set.ts';
import type { Driver } from '../reactor/driver.ts';
import { failureResponder } from './failure-response.ts';
import { redirecting } from './https-redirect.ts';
import type { ServerSettings } from './options.ts';

export interface Composition {
  readonly connections: Connections;
  /** The context shared by all HTTP/1 sessions. */
  readonly sessions: SessionContext;
  /** From now on each response is the last of its connection. */
  drain(): void;
  /** As {@link drain}, and idle connections end soon. */
  stop(): void;
}

/** Server parameters that are not options. */
export type CompositionOptions = Pick<
  ConnectionsOptions,
  'onClosed' | 'listeners' | 'connect' | 'drive' | 'isBlocking'
> & {
  readonly events?: SessionEvents | undefined;
  readonly rules?: HeadRules | undefined;
  /** Returns the port that speaks TLS. */
  readonly securePort: () => number;
};

export function compose(
  settings: ServerSettings,
  handler: Handler,
  kernel: Kernel,
  driver: Driver,
  own: CompositionOptions,
): Composition {
  const { limits } = settings;
  const trusted = trustedSet(settings.trustedProxies);
  const sessions = composeSessions(settings, handler, kernel, driver, own, trusted);
  const proxied: ProxiedOptions = {
    // The permissions of a Unix domain socket decide which programs may connect.
    isTrusted: (address) => address === '' || trusted.has(address),
    timeoutMs: limits.headerTimeoutMs,
    shutdownGraceMs: limits.shutdownGraceMs,
    onRefused: () => sessions.counters.unproxied++,
    begin: (channel, rest) => connections.beginProxied(channel, rest),
  };
  const connections = new Connections({
    ...own,
    kernel,
    driver,
    limits,
    protocol: (channel) => new Session(channel, sessions),
    proxied: (channel) => new ProxiedProtocol(channel, proxied),
    isProxy: (address) => trusted.has(address),
    textOfRefusal: (limit) => limitProblem('too many connections', limit, limits[limit]),
    onHandshakeFailed: own.events?.handshakeFailed,
    onFault: (error) => sessions.report(error, null),
  });
  const stop = (): void => {
    sessions.stop();
    connections.stop();
  };
  return { connections, sessions, drain: () => sessions.drain(), stop };
}

function composeSessions(
  settings: ServerSettings,
  handler: Handler,
  kernel: Kernel,
  driver: Driver,
  own: CompositionOptions,
  trusted: AddressSet,
): SessionContext {
  const { limits, onError, error: answer } = settings;
  return new SessionContext({
    memory: kernel,
    handler: settings.isRedirecting ? redirecting(handler, own.securePort) : handler,
    limits,
    headWriter: new HeadWriter(new HttpClock(kernel.wallClockMs), settings.serverHeader),
    observer: composeRequestLog(kernel, driver, settings),
    events: own.events,
    rules: own.rules,
    requestIds: settings.requestIds ? new RequestIds(randomBytes(10).toString('hex')) : null,
    metrics: settings.admin === undefined ? null : new RequestMetrics(() => kernel.now()),
    forwarding: settings.trustedProxies.length === 0 ? null : { trusted, fields: settings.proxyFields },
    onError,
    answerFailure: failureAnswer(
      handler,
      answer === undefined ? undefined : failureResponder(answer, (error, request) => onError(error, request)),
    ),
    nowMs: () => driver.nowMs(),
  });
}

/** The proxies of `trustedProxies`. Other programs of this machine may use a Unix domain socket as well as loopback. */
function trustedSet(texts: readonly string[]): AddressSet {
  return new AddressSet(texts.includes('loopback') ? [...texts, 'unix'] : texts);
}

type FailureAnswer = (error: unknown, request: HttpRequest, response: HttpResponse) => void;

/** Responds to the response that `handler` had, which may not be the one of the session. */
function failureAnswer(handler: Handler, answer: FailureAnswer | undefined): FailureAnswer | undefined {
  const { responseFor } = traitsOf(handler);
  if (responseFor === undefined) return answer;
  const respond: FailureAnswer =
    answer ?? ((_error, request, response) => sendError(request, response, INTERNAL_ERROR));
  return (error, request, response) => respond(error, request, responseFor(request, response));
}

function composeRequestLog(kernel: Kernel, driver: Driver, settings: ServerSettings): RequestLog | null {
  const { accessLog, trace, logFormat } = settings;
  if (accessLog === undefined && trace === undefined) return null;
  const requestLog = new RequestLog({
    log: accessLog === undefined ? null : { sink: accessLog, format: lineFormatter(logFormat) },
    trace: trace ?? null,
    wallClockMs: kernel.wallClockMs,
  });
  driver.onTurnEnd(() => requestLog.flush());
  return requestLog;
}

// Starts servers for one test: on a free port, and closed when the test ends. Errors that the test does not expect fail it.

import { expect, onTestFinished, vi } from 'vitest';
import {
  type ApplicationOptions,
  type Handler,
  loadApplication,
  type ServeOptions,
  type Server,
  serve,
} from '../../src/index.ts';
import { Reactor } from '../../src/reactor/reactor.ts';
import { OptionsContent, type Setup } from '../../src/server/content.ts';
import { ContentClock } from '../../src/server/content-clock.ts';
import { checkOptions } from '../../src/server/options.ts';
import { type Client, connect } from './client.ts';

export interface Site {
  readonly server: Server;
  readonly port: number;
  /** Errors of handlers. A test removes the ones that it expects with `splice`. */
  readonly errors: unknown[];
  connect(): Promise<Client>;
}

/** A server's options, and the applications that it calls, by name. */
export interface StartOptions extends ServeOptions {
  readonly app?: string;
  readonly adapter?: ApplicationOptions['adapter'];
  /** Threads for `app`. */
  readonly offload?: number;
  readonly dynamic?: string;
  readonly dynamicSuffix?: string;
  /** Time limit for loading `app` and the modules of `dynamic`. */
  readonly loadMs?: number;
  /** Time limit for a thread without output during a response. */
  readonly offloadMs?: number;
  readonly maxOffloadQueue?: number;
}

/** The handler for these options: the application, behind the modules of the folder. */
export async function serveOptionsFor({
  app,
  adapter,
  offload,
  dynamic,
  dynamicSuffix: suffix,
  loadMs,
  offloadMs,
  maxOffloadQueue,
  ...options
}: StartOptions): Promise<ServeOptions> {
  const { log, overrideGlobals } = options;
  const common = {
    log: { error: log?.error },
    overrideGlobals,
    timeouts: { loadMs, offloadMs },
    limits: { maxOffloadQueue },
  };
  const load = async (name: string, more: ApplicationOptions): Promise<Handler> => {
    const application = await loadApplication(name, { ...common, ...more });
    onTestFinished(() => application.close());
    return application;
  };
  const main = app === undefined ? options.handler : await load(app, { adapter, threads: offload });
  const handler = dynamic === undefined ? main : await load(dynamic, { dynamic: { suffix }, next: main });
  return handler === undefined ? options : { ...options, handler };
}

/** Starts a server for this test. Errors that are still in `errors` at its end fail it. */
export async function start(options: StartOptions): Promise<Site> {
  const errors: unknown[] = [];
  const where = options.listen === undefined ? { port: 0 } : {};
  const log = { error: (error: unknown) => errors.push(error), ...options.log };
  const given = { ...where, ...options, log };
  const server = await serve(await serveOptionsFor(given));
  onTestFinished(async () => {
    await server.close({ now: true });
    expect(errors, 'errors of handlers that the test did not expect').toEqual([]);
  });
  // Without TCP listeners there is no port, and no test uses it.
  const { port = 0 } = server;
  return { server, port, errors, connect: () => connect(port) };
}

/**
 * Stops the clock of the servers of this process until the test ends or calls the returned function, so that cached facts
 * of files stay fresh on a busy machine. For tests that count how often a file was opened or compressed.
 */
export function stopClock(): () => void {
  const clocks = [Reactor.prototype, ContentClock.prototype].map((each) => vi.spyOn(each, 'nowMs').mockReturnValue(0));
  const goOn = (): void => {
    for (const clock of clocks) clock.mockRestore();
  };
  onTestFinished(goOn);
  return goOn;
}

/** Starts a server with this handler. */
export function startHandler(handler: Handler, options: StartOptions = {}): Promise<Site> {
  return start({ handler, ...options });
}

/** Responds with the method and the target. */
export const echo: Handler = (request, response) => response.send(200, {}, `${request.method} ${request.target}`);

/** For the programs of this project that start a server by its setup. */
export function setupOf(options: ServeOptions): Setup {
  const settings = checkOptions(options);
  return { settings, content: new OptionsContent(settings) };
}

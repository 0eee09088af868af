// Servers for one test each: started on a free port, closed when the test ends, and silent on errors
// only when the test says that it expects them.

import { expect, onTestFinished, vi } from 'vitest';
import { type Handler, type ServeOptions, type Server, serve } from '../../src/index.ts';
import { Reactor } from '../../src/reactor/reactor.ts';
import { type Client, connect } from './client.ts';

export interface Site {
  readonly server: Server;
  readonly port: number;
  /** What handlers threw. A test that expects some takes them out with `splice`. */
  readonly errors: unknown[];
  connect(): Promise<Client>;
}

/** Starts a server for this test. Errors that are still in `errors` at its end fail it. */
export async function start(options: ServeOptions): Promise<Site> {
  const errors: unknown[] = [];
  const where = options.listen === undefined ? { port: 0 } : {};
  const server = await serve({ ...where, onError: (error) => errors.push(error), ...options });
  onTestFinished(async () => {
    await server.close({ now: true });
    expect(errors, 'errors of handlers that the test did not expect').toEqual([]);
  });
  const { port } = server.address;
  return { server, port, errors, connect: () => connect(port) };
}

/**
 * No time goes by for the servers of this process until the test ends, or calls what is returned: what they know of files
 * stays fresh, however busy the machine is. For tests that count how often a file was opened or compressed.
 */
export function stopClock(): () => void {
  const clock = vi.spyOn(Reactor.prototype, 'nowMs').mockReturnValue(0);
  const goOn = (): void => clock.mockRestore();
  onTestFinished(goOn);
  return goOn;
}

/** Starts a server that answers with `handler`. */
export function startHandler(handler: Handler, options: ServeOptions = {}): Promise<Site> {
  return start({ handler, ...options });
}

/** Answers with the method and the target. */
export const echo: Handler = (request, response) => response.send(200, {}, `${request.method} ${request.target}`);

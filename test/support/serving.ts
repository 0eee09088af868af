// Servers for one test each: started on a free port, closed when the test ends, and silent on errors
// only when the test says that it expects them.

import { expect, onTestFinished } from 'vitest';
import { type Handler, type ServeOptions, type Server, serve } from '../../src/index.ts';
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
  const server = await serve({ port: 0, onError: (error) => errors.push(error), ...options });
  onTestFinished(async () => {
    await server.close({ now: true });
    expect(errors, 'errors of handlers that the test did not expect').toEqual([]);
  });
  const { port } = server.address;
  return { server, port, errors, connect: () => connect(port) };
}

/** Starts a server that answers with `handler`. */
export function startHandler(handler: Handler, options: ServeOptions = {}): Promise<Site> {
  return start({ handler, ...options });
}

/** Answers with the method and the target. */
export const echo: Handler = (request, response) => response.send(200, {}, `${request.method} ${request.target}`);

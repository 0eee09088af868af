// The application of a simulated run: handlers of every kind, each with content that follows from the request target.
// It records the requests and notifications that it receives.

import { EpollServerError } from '../../errors.ts';
import { precompileFields } from '../../http/fields.ts';
import type { Endpoint, Handler, HttpRequest, HttpResponse } from '../../http/handler.ts';
import type { VirtualClock } from '../virtual-clock.ts';
import { contentOfRequest } from './content.ts';
import { EchoProtocol } from './echo-protocol.ts';
import { CheckFailure } from './failure.ts';

const PLAIN = precompileFields({ 'Content-Type': 'text/plain' });

/** The parameters of a handler, read from the query. */
interface HandlerParameters {
  readonly id: string;
  readonly history: ClientHistory;
  readonly hints: number;
  readonly content: Buffer;
  readonly takesMs: number;
  readonly pieces: number;
}

type Route = (request: HttpRequest, response: HttpResponse, parameters: HandlerParameters) => void | Promise<void>;

/** The application's record of one connection, by the client's port. */
class ClientHistory {
  /** Unsettled promises of handlers. */
  pending = 0;
  /** The last response: files may be sent without a promise. */
  answer: HttpResponse | null = null;
  /** A lower bound of the content bytes written. */
  givenBytes = 0;
  /** An upper bound of the bytes of handled requests. */
  takenBytes = 0;
  /** Bytes that the kernel has accepted for this client. */
  sentBytes: () => number = () => Number.POSITIVE_INFINITY;

  /** Handlers that have not finished. */
  get running(): number {
    return this.pending > 0 || this.answer === null || this.answer.ended ? this.pending : 1;
  }
}

/** A closed client's descriptor may be reused: a request must keep the addresses with which it began. */
function checkAddress(id: string, before: Endpoint, after: Endpoint): void {
  if (before.address === after.address && before.port === after.port) return;
  const texts = [before, after].map(({ address, port }) => `${address}:${port}`);
  throw new CheckFailure('handlers', `request ${id} of ${texts.join(' is later one of ')}`);
}

export class SimulatedApplication {
  readonly #clock: VirtualClock;
  readonly #files: Handler;
  readonly #histories = new Map<number, ClientHistory>();
  readonly #held = new Set<() => void>();
  /** The ids of handled requests. */
  readonly handled: Set<string> = new Set();
  /** The size of each sent request, by its id. */
  readonly sizes: Map<string, number> = new Map();
  /** Errors that this application throws on purpose. */
  readonly planned: WeakSet<Error> = new WeakSet();
  requests = 0;
  /** The number of handlers whose signal was aborted. */
  aborts = 0;
  /** Callbacks of whenSent that are still to be called. */
  unsent = 0;

  /** `files` handles `/files/`. */
  constructor(clock: VirtualClock, files: Handler) {
    this.#clock = clock;
    this.#files = files;
  }

  historyOf(port: number): ClientHistory {
    let found = this.#histories.get(port);
    if (found === undefined) {
      found = new ClientHistory();
      this.#histories.set(port, found);
    }
    return found;
  }

  /** The handlers that are still running. */
  get running(): number {
    let sum = 0;
    for (const { running } of this.#histories.values()) sum += running;
    return sum;
  }

  readonly handle: Handler = (request, response) => {
    const history = this.historyOf(request.remote.port);
    const query = new URLSearchParams(request.query);
    const id = query.get('id') ?? '';
    this.requests++;
    history.takenBytes += this.sizes.get(id) ?? 0;
    if (this.handled.has(id)) throw new CheckFailure('handlers', `request ${id} was handled twice`);
    this.handled.add(id);
    history.answer = response;
    const { remote, local } = request;
    const result = this.#answer(request, response, id, query, history);
    if (result === undefined) return;
    history.pending++;
    return Promise.resolve(result).finally(() => {
      history.pending--;
      checkAddress(id, remote, request.remote);
      checkAddress(id, local, request.local);
    });
  };

  #answer(
    request: HttpRequest,
    response: HttpResponse,
    id: string,
    query: URLSearchParams,
    history: ClientHistory,
  ): void | PromiseLike<void> {
    if (request.path.startsWith('/files/')) return this.#files(request, response);
    if (request.path.startsWith('/held-files/')) {
      return this.#hold(Number(query.get('ms') ?? 1), () => this.#files(request, response));
    }
    const [client = 0, number = 0] = id.split('.').map(Number);
    const content = contentOfRequest(client, number, Number(query.get('n') ?? 0));
    const route = this.#routes[request.path];
    if (route === undefined) throw new CheckFailure('handlers', `unexpected request for ${request.path}`);
    const isGivenNow = request.path === '/now' || request.path === '/sent';
    if (isGivenNow && request.method === 'GET') history.givenBytes += content.length;
    return route(request, response, {
      id,
      history,
      hints: Number(query.get('h') ?? 0),
      content,
      takesMs: Number(query.get('ms') ?? 1),
      pieces: Number(query.get('k') ?? 1),
    });
  }

  /** Calls `answer` when a client requests /release, or after `ms`. */
  #hold(ms: number, answer: () => void | PromiseLike<void>): Promise<void> {
    return new Promise((resolve) => {
      const release = (): void => {
        if (this.#held.delete(release)) resolve(answer());
      };
      this.#held.add(release);
      this.#clock.after(ms, release);
    });
  }

  #fail(): Error {
    const error = new Error('this handler fails, as planned');
    this.planned.add(error);
    return error;
  }

  /** Writes content in pieces, and waits for room when `write` returns false. */
  async #write(
    response: HttpResponse,
    { content, takesMs, pieces }: HandlerParameters,
    until = content.length,
  ): Promise<void> {
    const size = Math.max(Math.ceil(content.length / pieces), 1);
    for (let at = 0; at < until && !response.ended; at += size) {
      if (takesMs > 1) await this.#clock.sleep(takesMs);
      if (!response.write(content.subarray(at, Math.min(at + size, until)))) await response.drained();
    }
  }

  readonly #routes: Readonly<Record<string, Route>> = {
    '/now': (_request, response, { content }) => response.send(200, PLAIN, content),
    '/later': async (_request, response, { content, takesMs }) => {
      await this.#clock.sleep(takesMs);
      response.send(200, PLAIN, content);
    },
    // Called in the middle of another connection's turn: see /release.
    '/held': (_request, response, { content, takesMs }) =>
      this.#hold(takesMs, () => response.send(200, PLAIN, content)),
    '/release': (_request, response, { content }) => {
      for (const release of [...this.#held]) release();
      response.send(200, PLAIN, content);
    },
    '/stream': async (_request, response, parameters) => {
      response.start(200, PLAIN);
      await this.#write(response, parameters);
      response.end();
    },
    '/counted': async (_request, response, parameters) => {
      response.start(200, { 'Content-Length': parameters.content.length });
      await this.#write(response, parameters);
      response.end();
    },
    '/late-write': async (_request, response, parameters) => {
      // Writes everything at once from a promise, without checking for room.
      await this.#clock.sleep(parameters.takesMs);
      response.start(200, PLAIN);
      response.write(parameters.content);
      response.end();
    },
    '/twice': (_request, response, { content }) => {
      response.send(200, PLAIN, content);
      try {
        response.send(200, PLAIN, 'again');
      } catch (error) {
        if (error instanceof EpollServerError && error.code === 'ERR_ALREADY_ANSWERED') return;
      }
      throw new CheckFailure('handlers', 'a second response was accepted');
    },
    '/echo': async (request, response) => {
      response.send(200, PLAIN, await this.#readBody(request));
    },
    '/ignore': (_request, response) => response.send(200, PLAIN, 'ignored'),
    '/taste': async (request, response) => {
      await request.body.read();
      response.send(200, PLAIN, 'tasted');
    },
    '/throws': () => {
      throw this.#fail();
    },
    '/rejects': async (_request, _response, { takesMs }) => {
      await this.#clock.sleep(takesMs);
      throw this.#fail();
    },
    '/empty': (_request, response) => response.send(204),
    '/last': (_request, response, { content }) => response.send(200, { Connection: 'close' }, content),
    '/breaks': async (_request, response, parameters) => {
      response.start(200, PLAIN);
      await this.#write(response, parameters, Math.floor(parameters.content.length / 2));
      throw this.#fail();
    },
    '/aborts': async (_request, response, parameters) => {
      response.start(200, PLAIN);
      await this.#write(response, parameters, Math.floor(parameters.content.length / 2));
      response.abort();
    },
    '/promises-more': async (_request, response, parameters) => {
      response.start(200, { 'Content-Length': parameters.content.length + 1 });
      await this.#write(response, parameters);
      response.end();
    },
    '/informs': async (_request, response, { id, hints, content, takesMs }) => {
      for (let i = 0; i < hints; i++) {
        response.inform(103, { Link: `</${id}>; rel=preload` });
        if (i === 0) await this.#clock.sleep(takesMs);
      }
      response.send(200, PLAIN, content);
    },
    '/reasoned': (_request, response, { id, content }) => {
      response.reasonPhrase = `Odd ${id}`;
      response.send(200, PLAIN, content);
    },
    '/trailed': async (_request, response, parameters) => {
      response.start(200, PLAIN);
      await this.#write(response, parameters);
      if (!response.ended) response.end('', { 'X-Id': parameters.id, 'X-Other': 'two' });
    },
    '/sent': (_request, response, { id, history, content }) => {
      this.#watchSent(response, id, history);
      response.send(200, PLAIN, content);
    },
    '/upgrade': (_request, response, { history }) => {
      response.upgrade({ Upgrade: 'echo' }, (channel) => {
        history.pending++;
        return new EchoProtocol(channel, {
          used: (bytes) => {
            history.takenBytes += bytes;
          },
          closed: () => {
            history.pending--;
          },
        });
      });
    },
    '/never': (request) =>
      new Promise((resolve) => {
        request.signal.addEventListener('abort', () => {
          this.aborts++;
        });
        request.whenGone(() => resolve());
      }),
  };

  /**
   * Checks that the callback comes once, and without an error only when the kernel has all content up to this response.
   */
  #watchSent(response: HttpResponse, id: string, history: ClientHistory): void {
    const { givenBytes } = history;
    let calls = 0;
    this.unsent++;
    response.whenSent((error) => {
      calls++;
      this.unsent--;
      if (calls > 1) throw new CheckFailure('handlers', `whenSent of ${id} was called ${calls} times`);
      if (error !== undefined || history.sentBytes() >= givenBytes) return;
      throw new CheckFailure('handlers', `the response to ${id} was reported as sent before it was`);
    });
  }

  async #readBody(request: HttpRequest): Promise<Buffer> {
    try {
      return await request.body.bytes();
    } catch (error) {
      if (error instanceof Error) this.planned.add(error);
      throw error;
    }
  }
}

// The application of a simulated run: every kind of handler that a server meets, each answering with content
// that follows from the request's own target. It notes what it was asked, and what it was told.

import { EpollServerError } from '../../errors.ts';
import { precompileFields } from '../../http/fields.ts';
import type { Endpoint, Handler, HttpRequest, HttpResponse } from '../../http/handler.ts';
import type { VirtualClock } from '../virtual-clock.ts';
import { contentOfRequest } from './content.ts';
import { EchoProtocol } from './echo-protocol.ts';
import { CheckFailure } from './failure.ts';

const PLAIN = precompileFields({ 'Content-Type': 'text/plain' });

/** What a handler is asked for, read from the query. */
interface Order {
  readonly id: string;
  readonly history: ClientHistory;
  readonly hints: number;
  readonly content: Buffer;
  readonly takesMs: number;
  readonly pieces: number;
}

type Route = (request: HttpRequest, response: HttpResponse, order: Order) => void | Promise<void>;

/** What the application knows of one connection, by the client's port. */
class ClientHistory {
  /** Promises of handlers that are not settled. */
  pending = 0;
  /** The last answer: files may be given without a promise. */
  answer: HttpResponse | null = null;
  /** Content bytes given to the server, at least. */
  givenBytes = 0;
  /** Bytes of the requests that were handled, at most. */
  takenBytes = 0;
  /** Bytes that the kernel has taken for this client. */
  sentBytes: () => number = () => Number.POSITIVE_INFINITY;

  /** Handlers that have not finished. */
  get running(): number {
    return this.pending > 0 || this.answer === null || this.answer.ended ? this.pending : 1;
  }
}

/** Another client may have the descriptor of a client that left: a request keeps the addresses that it began with. */
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
  /** The requests that were handled, by their ids. */
  readonly handled: Set<string> = new Set();
  /** Bytes of each request that was sent, by its id. */
  readonly sizes: Map<string, number> = new Map();
  /** Errors of this application that were planned. */
  readonly planned: WeakSet<Error> = new WeakSet();
  requests = 0;
  /** Handlers whose client is gone, as they learnt. */
  aborts = 0;
  /** Callbacks of whenSent that were not called. */
  unsent = 0;

  /** `files` answers below `/files/`. */
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
    if (route === undefined) throw new CheckFailure('handlers', `nobody asked for ${request.path}`);
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

  /** Calls `answer` when a client asks for /release, or after `ms`. */
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

  /** Writes content in pieces, and waits when it is told to. */
  async #write(response: HttpResponse, { content, takesMs, pieces }: Order, until = content.length): Promise<void> {
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
    // Answered from the middle of another connection's turn: see /release.
    '/held': (_request, response, { content, takesMs }) =>
      this.#hold(takesMs, () => response.send(200, PLAIN, content)),
    '/release': (_request, response, { content }) => {
      for (const release of [...this.#held]) release();
      response.send(200, PLAIN, content);
    },
    '/stream': async (_request, response, order) => {
      response.start(200, PLAIN);
      await this.#write(response, order);
      response.end();
    },
    '/counted': async (_request, response, order) => {
      response.start(200, { 'Content-Length': order.content.length });
      await this.#write(response, order);
      response.end();
    },
    '/late-write': async (_request, response, order) => {
      // Everything at once, without asking whether there is room, from a promise.
      await this.#clock.sleep(order.takesMs);
      response.start(200, PLAIN);
      response.write(order.content);
      response.end();
    },
    '/twice': (_request, response, { content }) => {
      response.send(200, PLAIN, content);
      try {
        response.send(200, PLAIN, 'again');
      } catch (error) {
        if (error instanceof EpollServerError && error.code === 'ERR_ALREADY_ANSWERED') return;
      }
      throw new CheckFailure('handlers', 'a second answer was accepted');
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
    '/breaks': async (_request, response, order) => {
      response.start(200, PLAIN);
      await this.#write(response, order, Math.floor(order.content.length / 2));
      throw this.#fail();
    },
    '/aborts': async (_request, response, order) => {
      response.start(200, PLAIN);
      await this.#write(response, order, Math.floor(order.content.length / 2));
      response.abort();
    },
    '/promises-more': async (_request, response, order) => {
      response.start(200, { 'Content-Length': order.content.length + 1 });
      await this.#write(response, order);
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
    '/trailed': async (_request, response, order) => {
      response.start(200, PLAIN);
      await this.#write(response, order);
      if (!response.ended) response.end('', { 'X-Id': order.id, 'X-Other': 'two' });
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

  /** The callback comes once, and without an error only when the kernel has all content up to this answer's. */
  #watchSent(response: HttpResponse, id: string, history: ClientHistory): void {
    const { givenBytes } = history;
    let calls = 0;
    this.unsent++;
    response.whenSent((error) => {
      calls++;
      this.unsent--;
      if (calls > 1) throw new CheckFailure('handlers', `the answer to ${id} was sent ${calls} times`);
      if (error !== undefined || history.sentBytes() >= givenBytes) return;
      throw new CheckFailure('handlers', `the answer to ${id} counts as sent, and is not`);
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

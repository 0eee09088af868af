// Servers: forms of listen, classes of an application, what instruments them, and their ends.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http, { createServer, IncomingMessage, Server, ServerResponse } from 'node:http';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastRequest, request, UNTIL_CLOSED } from '../context.js';

/** Node.js 20 has no event of a response that was created. */
const CREATED = process.versions.node.startsWith('20.') ? [] : ['http.server.response.created'];
const CHANNELS = ['http.server.request.start', ...CREATED, 'http.server.response.finish'];

/** Two ends of a stream that is no socket. */
async function pair() {
  const { Duplex } = await import('node:stream');
  const make = () => {
    const end = new Duplex({
      read: () => {},
      write: (chunk, _encoding, callback) => {
        end.other.push(chunk);
        callback();
      },
      final: (callback) => {
        end.other.push(null);
        callback();
      },
    });
    return end;
  };
  const [first, second] = [make(), make()];
  [first.other, second.other] = [second, first];
  return [first, second];
}

export const SERVERS = {
  'server: a Unix socket': async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'epoll-server-unix-'));
    t.onEnd(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'socket');
    const server = createServer((incoming, response) => {
      t.log(incoming.socket.remoteAddress ?? 'no address');
      response.end('ok');
    });
    server.listen(path);
    await once(server, 'listening');
    t.log(server.address() === path);
    const socket = createConnection(path);
    socket.setEncoding('latin1');
    socket.write(lastRequest('GET /'));
    t.logBytes(await t.read(socket, UNTIL_CLOSED), 0);
    server.close();
    await once(server, 'close');
  },
  'server: forms of listen': async (t) => {
    const forms = [
      (server) => server.listen(),
      (server) => server.listen(0),
      (server) => server.listen('0'),
      (server) => server.listen(0, '127.0.0.1', 16),
      (server) => server.listen({ port: 0, host: '::1' }),
      (server) => server.listen({ port: 0, exclusive: true }, () => t.log('callback')),
    ];
    for (const listen of forms) {
      const server = createServer();
      t.log(listen(server) === server);
      await once(server, 'listening');
      const { address, family, port } = server.address();
      t.log(address, family, port > 0);
      server.close();
      await once(server, 'close');
    }
    for (const misuse of [{}, { port: 'x' }, { host: 'a' }, { port: -1 }]) {
      t.attempt(JSON.stringify(misuse), () => createServer().listen(misuse).close());
    }
  },
  'server: a signal that closes': async (t) => {
    const controller = new AbortController();
    const server = createServer();
    server.listen({ port: 0, signal: controller.signal });
    await once(server, 'listening');
    const closed = once(server, 'close');
    controller.abort();
    await closed;
    t.log(server.listening, server.address());
  },
  'server: called without new, and derived from': async (t) => {
    const plain = http.Server((_, response) => response.end('plain'));
    t.log(plain instanceof Server, plain instanceof http.Server, plain.constructor.name.length > 0);
    class Mine extends Server {
      constructor() {
        super({ keepAliveTimeout: 1_000 }, (_, response) => response.end('mine'));
        this.mark = 'kept';
      }
    }
    const server = new Mine();
    t.log(server.mark, server.keepAliveTimeout, server instanceof Mine, server instanceof Server);
    await t.send(await t.serve(plain), lastRequest('GET /'));
    await t.send(await t.serve(server), request('GET /'), lastRequest('GET /'));
  },
  'server: classes of messages': async (t) => {
    class Request extends IncomingMessage {
      get word() {
        return `word of ${this.url}`;
      }
    }
    class Response extends ServerResponse {
      say(text) {
        this.setHeader('X-Said', text);
        this.end(text);
      }
    }
    const options = { IncomingMessage: Request, ServerResponse: Response };
    const port = await t.serve((incoming, response) => response.say(incoming.word), options);
    await t.send(port, request('GET /a'), lastRequest('GET /b'));
  },
  'server: options of fields': async (t) => {
    const listener = (incoming, response) => {
      t.log(incoming.headers);
      response.setHeader('X-Once', ['a', 'b']);
      response.end();
    };
    const port = await t.serve(listener, {
      joinDuplicateHeaders: true,
      uniqueHeaders: ['x-once'],
      requireHostHeader: false,
    });
    await t.send(port, `GET / HTTP/1.1\r\nAge: 1\r\nAge: 2\r\nCookie: a\r\nCookie: b\r\nConnection: close\r\n\r\n`);
  },
  'server: time-outs are properties': async (t) => {
    const server = createServer({ requestTimeout: 5_000 });
    const names = [
      'timeout',
      'keepAliveTimeout',
      'headersTimeout',
      'requestTimeout',
      'maxHeadersCount',
      'maxRequestsPerSocket',
    ];
    t.log(names.map((name) => server[name]));
    for (const name of names) server[name] = 7;
    t.log(
      names.map((name) => server[name]),
      server.setTimeout(9) === server,
      server.timeout,
    );
  },
  'server: the channels of diagnostics': async (t) => {
    const listeners = CHANNELS.map((name) => [
      name,
      ({ request: incoming, response, server, socket }) => {
        t.log(name, incoming.url, response.statusCode, server === undefined, socket === undefined);
      },
    ]);
    for (const [name, listener] of listeners) subscribe(name, listener);
    const port = await t.serve((_, response) => response.writeHead(201).end('ok'));
    await t.send(port, request('GET /1'), lastRequest('POST /2', {}, 'body'));
    for (const [name, listener] of listeners) unsubscribe(name, listener);
  },
  'server: emit is wrapped': async (t) => {
    const { emit } = Server.prototype;
    t.onEnd(() => {
      Server.prototype.emit = emit;
    });
    Server.prototype.emit = function wrapped(event, ...values) {
      if (event === 'request') t.log('emit', event, values.length, values[0].url);
      return emit.call(this, event, ...values);
    };
    const port = await t.serve((_, response) => response.end('ok'));
    await t.send(port, request('GET /1'), lastRequest('GET /2'));
  },
  'server: the context of a request': async (t) => {
    const storage = new AsyncLocalStorage();
    const port = await t.serve((incoming, response) => {
      storage.run(incoming.url, () => {
        incoming.on('end', () => t.log('end', storage.getStore() ?? 'none'));
        incoming.resume();
        setTimeout(() => {
          t.log('later', storage.getStore());
          response.end(storage.getStore());
        });
      });
    });
    await t.send(port, request('POST /1', {}, 'body'), lastRequest('GET /2'));
  },
  'server: a stream that is no socket': async (t) => {
    const server = createServer((incoming, response) => response.end(`${incoming.url} ${incoming.method}`));
    const [ours, theirs] = await pair();
    server.emit('connection', theirs);
    let received = '';
    ours.on('data', (data) => (received += data));
    ours.write(lastRequest('GET /stream'));
    await once(ours, 'end');
    t.logBytes(received, 0);
  },
  'server: connections are counted and bounded': async (t) => {
    const server = createServer((_, response) => response.end('ok'));
    server.maxConnections = 1;
    t.watch('server', server, ['drop']);
    const port = await t.serve(server);
    const first = await t.open(port);
    first.write(request('GET /'));
    t.logBytes(await t.read(first, /ok$/), port);
    t.log(await new Promise((resolve) => server.getConnections((error, count) => resolve([error, count]))));
    const second = await t.open(port);
    t.log(await t.read(second, UNTIL_CLOSED));
    first.destroy();
  },
  'server: idle connections are closed': async (t) => {
    const server = createServer((incoming, response) => {
      if (incoming.url === '/idle') response.end('idle');
      else response.write('busy');
    });
    const port = await t.serve(server);
    const [idle, busy] = [await t.open(port), await t.open(port)];
    idle.write(request('GET /idle'));
    busy.write(request('GET /busy'));
    await t.read(idle, /idle$/);
    await t.read(busy, /busy/);
    server.closeIdleConnections();
    t.log('idle', await t.read(idle, UNTIL_CLOSED));
    t.log('busy', busy.readableEnded);
    server.closeAllConnections();
    t.log('busy', await t.read(busy, UNTIL_CLOSED));
  },
  'server: disposed of': async (t) => {
    const server = createServer();
    server.listen(0);
    await once(server, 'listening');
    await server[Symbol.asyncDispose]();
    t.log(server.listening);
  },
  'server: opened again': async (t) => {
    const server = createServer((_, response) => response.end('again'));
    for (let i = 0; i < 2; i++) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      await t.send(server.address().port, lastRequest('GET /'));
      server.close();
      await once(server, 'close');
    }
  },
  'server: members': async (t) => {
    const server = createServer();
    const names = [
      'listen',
      'close',
      'closeAllConnections',
      'closeIdleConnections',
      'address',
      'ref',
      'unref',
      'getConnections',
      'setTimeout',
    ];
    t.log(
      names.map((name) => typeof server[name]),
      server.ref() === server,
      server.unref() === server,
    );
    t.log(server.listenerCount('request'), server.eventNames().includes('request'), server.listening);
    t.log(Object.keys(http).length > 0);
  },
};

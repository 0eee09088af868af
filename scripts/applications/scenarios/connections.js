// Connections: upgrades, expectations, clients that leave or err, time-outs, bounds.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { lastRequest, request, UNTIL_CLOSED } from '../context.js';

/** Requests that are malformed for both servers. */
const BAD_REQUESTS = {
  'a bad version': 'GET / HTTP/9.9\r\nHost: a\r\n\r\n',
  'a bad field name': 'GET / HTTP/1.1\r\nHost: a\r\na b: c\r\n\r\n',
  'a field value with a NUL': 'GET / HTTP/1.1\r\nHost: a\r\nA: \0\r\n\r\n',
  'two lengths': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
  'a length and chunks': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
  'a length that is no number': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n',
  'no HTTP at all': 'hello\r\n\r\n',
  'a TLS client': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'a head that is too large': `GET / HTTP/1.1\r\nHost: a\r\nA: ${'x'.repeat(20_000)}\r\n\r\n`,
};
const CLOSE = 'Connection: close\r\n\r\n';

function upgrading(path, headers = {}) {
  return request(path, { Connection: 'Upgrade', Upgrade: 'echo', ...headers });
}

export const CONNECTIONS = {
  'connection: the response to a bad request': async (t) => {
    const port = await t.serve((_, response) => response.end('ok'));
    for (const [name, text] of Object.entries(BAD_REQUESTS)) {
      t.log(name);
      await t.send(port, text);
    }
  },
  "connection: 'clientError'": async (t) => {
    const server = createServer((_, response) => response.end('ok'));
    server.on('clientError', (error, socket) => {
      t.log(error instanceof Error, error.code, Buffer.isBuffer(error.rawPacket), socket.writable);
      socket.end('HTTP/1.1 400 Mine\r\nConnection: close\r\n\r\n');
    });
    const port = await t.serve(server);
    for (const [name, text] of Object.entries(BAD_REQUESTS)) {
      t.log(name);
      await t.send(port, text);
    }
  },
  'connection: no Host': async (t) => {
    const port = await t.serve((_, response) => response.end('ok'));
    await t.send(port, `GET / HTTP/1.1\r\n${CLOSE}`);
    await t.send(port, 'GET / HTTP/1.0\r\n\r\n');
    const lenient = await t.serve((_, response) => response.end('ok'), { requireHostHeader: false });
    await t.send(lenient, `GET / HTTP/1.1\r\n${CLOSE}`);
  },
  'connection: a method that is not known': async (t) => {
    const server = createServer((incoming, response) => response.end(incoming.method));
    server.on('clientError', (error, socket) => {
      t.log(error.code);
      socket.destroy();
    });
    const port = await t.serve(server);
    await t.send(port, `BREW / HTTP/1.1\r\nHost: a\r\n${CLOSE}`);
    await t.send(port, `PURGE / HTTP/1.1\r\nHost: a\r\n${CLOSE}`);
  },
  'connection: a transfer coding that is not chunked': async (t) => {
    const port = await t.serve((_, response) => response.end('ok'));
    await t.send(port, `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n${CLOSE}`);
  },
  'connection: a bad chunk': async (t) => {
    const server = createServer((incoming, response) => {
      t.watch('request', incoming, ['end', 'aborted', 'error', 'close']);
      t.watch('response', response, ['finish', 'close', 'error']);
      incoming.resume();
    });
    server.on('clientError', (error, socket) => {
      t.log(error.code);
      socket.destroy();
    });
    const port = await t.serve(server);
    await t.send(port, request('POST /', { 'Transfer-Encoding': 'chunked' }, '3\r\nabc\r\nxyz\r\n'));
  },
  'connection: a client leaves before the response': async (t) => {
    const left = deferred();
    const port = await t.serve((incoming, response) => {
      t.watch('request', incoming, ['aborted', 'error', 'end', 'close']);
      t.watch('response', response, ['finish', 'error', 'close']);
      response.on('close', () => {
        t.log(incoming.aborted, incoming.destroyed, incoming.complete, response.writableEnded, response.destroyed);
        t.log('write', response.write('x'));
        response.end('y');
        setImmediate(left.resolve);
      });
      incoming.resume();
      socket.resetAndDestroy();
    });
    const socket = await t.open(port);
    socket.write(request('GET /'));
    await left.promise;
  },
  // Since Node.js 24.
  'connection: request.signal': async (t) => {
    const left = deferred();
    const port = await t.serve((incoming, response) => {
      t.log('signal' in incoming, incoming.signal?.aborted ?? 'none');
      incoming.signal?.addEventListener('abort', () => t.log(incoming.url, 'aborts', incoming.signal.reason.name));
      incoming.socket.on('close', () => setImmediate(left.resolve));
      if (incoming.url === '/whole') response.end('ok');
      else response.write('begun');
    });
    await t.send(port, lastRequest('GET /whole'));
    const socket = await t.open(port);
    socket.write(request('GET /cut'));
    await t.read(socket, /begun/);
    const gone = deferred();
    left.resolve = gone.resolve;
    socket.resetAndDestroy();
    await gone.promise;
  },
  'connection: a client leaves within its body': async (t) => {
    const left = deferred();
    const port = await t.serve((incoming, response) => {
      t.watch('request', incoming, ['aborted', 'error', 'end', 'close']);
      t.watch('response', response, ['finish', 'error', 'close']);
      incoming.on('close', () => {
        t.log(incoming.aborted, incoming.complete, incoming.errored?.code, incoming.readableEnded);
        setImmediate(left.resolve);
      });
      incoming.once('data', () => socket.destroy());
    });
    const socket = await t.open(port);
    socket.write(request('POST /', { 'Content-Length': 100 }, 'begun'));
    await left.promise;
  },
  'connection: a client closes its half': async (t) => {
    const closed = deferred();
    const port = await t.serve((incoming, response) => {
      t.watch('socket', incoming.socket, ['end', 'close']);
      incoming.socket.on('close', closed.resolve);
      setImmediate(() => response.end('ok'));
    });
    const socket = await t.open(port);
    socket.end(request('GET /'));
    const received = await t.read(socket, UNTIL_CLOSED);
    await closed.promise;
    t.logBytes(received, port);
  },
  'connection: Expect: 100-continue': async (t) => {
    const port = await t.serve((incoming, response) => incoming.resume().on('end', () => response.end('ok')));
    await t.send(port, request('POST /', { Expect: '100-continue' }, 'ab'), lastRequest('GET /'));
  },
  "connection: 'checkContinue' and 'checkExpectation'": async (t) => {
    const server = createServer((_, response) => response.end('plain'));
    server.on('checkContinue', (incoming, response) => {
      t.log('checkContinue', incoming.url);
      if (incoming.url === '/no') return response.writeHead(417, { 'Content-Length': 0, Connection: 'close' }).end();
      response.writeContinue(() => t.log('continue sent'));
      incoming.resume().on('end', () => response.end('after'));
    });
    server.on('checkExpectation', (incoming, response) => {
      t.log('checkExpectation', incoming.headers.expect);
      response.statusCode = 417;
      response.end();
    });
    const port = await t.serve(server);
    await t.send(port, lastRequest('POST /', { Expect: '100-continue' }, 'ab'));
    await t.send(port, request('POST /no', { Expect: '100-continue' }));
    await t.send(port, lastRequest('GET /', { Expect: 'tea' }));
  },
  'connection: an expectation without a listener': async (t) => {
    const port = await t.serve((_, response) => response.end('plain'));
    await t.send(port, lastRequest('GET /', { Expect: 'tea' }));
  },
  'connection: an upgrade': async (t) => {
    const server = createServer((_, response) => response.end('plain'));
    const finished = deferred();
    server.on('upgrade', (incoming, socket, head) => {
      socket.on('finish', finished.resolve);
      t.log(incoming.upgrade, incoming.headers.upgrade, head.toString(), socket === incoming.socket);
      t.log(
        typeof socket.setNoDelay,
        typeof socket.setTimeout,
        typeof socket.unshift,
        socket.readable,
        socket.writable,
      );
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      socket.on('data', (data) => {
        t.log('data', data.toString());
        socket.end(`echo ${data}`);
      });
      t.watch('socket', socket, ['end', 'finish', 'close']);
    });
    const port = await t.serve(server);
    const socket = await t.open(port);
    socket.write(upgrading('GET /'));
    t.logBytes(await t.read(socket, /\r\n\r\n/), port);
    socket.write('more');
    t.logBytes(await t.read(socket, UNTIL_CLOSED), port);
    await finished.promise;
    socket.end();
  },
  'connection: bytes behind the head of an upgrade': async (t) => {
    const server = createServer();
    server.on('upgrade', (_, socket, head) => socket.end(`head ${head}\n`));
    const port = await t.serve(server);
    await t.send(port, `${upgrading('GET /')}first bytes`);
  },
  'connection: an upgrade without a listener': async (t) => {
    const port = await t.serve((incoming, response) => response.end(`${incoming.upgrade} ${incoming.headers.upgrade}`));
    const socket = await t.open(port);
    socket.write(upgrading('GET /'));
    t.logBytes(await t.read(socket, /echo/), port);
    socket.destroy();
  },
  'connection: CONNECT': async (t) => {
    const server = createServer();
    server.on('connect', (incoming, socket, head) => {
      t.log(incoming.method, incoming.url, head.toString());
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.once('data', (data) => socket.end(data));
    });
    const port = await t.serve(server);
    const socket = await t.open(port);
    socket.write('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n');
    t.logBytes(await t.read(socket, /\r\n\r\n/), port);
    socket.write('through');
    t.logBytes(await t.read(socket, UNTIL_CLOSED), port);
    socket.end();
  },
  'connection: CONNECT without a listener': async (t) => {
    const port = await t.serve((_, response) => response.end('plain'));
    await t.send(port, 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n');
  },
  'connection: a head that takes too long': async (t) => {
    const options = { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 };
    const port = await t.serve((_, response) => response.end('ok'), options);
    await t.send(port, 'GET / HTTP/1.1\r\nHost: a\r\n');
  },
  'connection: a body that takes too long': async (t) => {
    const options = { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 };
    const port = await t.serve(
      (incoming) => t.watch('request', incoming.resume(), ['aborted', 'error', 'close']),
      options,
    );
    await t.send(port, request('POST /', { 'Content-Length': 10 }, 'ab'));
  },
  'connection: an idle one is closed': async (t) => {
    const port = await t.serve((_, response) => response.end('ok'), {
      keepAliveTimeout: 50,
      keepAliveTimeoutBuffer: 0,
    });
    await t.send(port, request('GET /'));
  },
  "connection: 'timeout' of the server": async (t) => {
    const server = createServer((_, response) => response.on('timeout', () => t.log('response')));
    server.setTimeout(50, (socket) => {
      t.log('server', socket.destroyed);
      socket.destroy();
    });
    const port = await t.serve(server);
    await t.send(port, request('GET /'));
  },
  'connection: response.setTimeout': async (t) => {
    const port = await t.serve((_, response) => {
      response.setTimeout(50, () => {
        t.log('the response is late');
        response.writeHead(503, { Connection: 'close' }).end('late');
      });
    });
    await t.send(port, request('GET /'));
  },
  'connection: at most two requests': async (t) => {
    const server = createServer((incoming, response) => response.end(incoming.url));
    server.maxRequestsPerSocket = 2;
    t.watch('server', server, ['dropRequest']);
    const port = await t.serve(server);
    const socket = await t.open(port);
    socket.write(request('GET /1') + request('GET /2') + request('GET /3'));
    t.logBytes(await t.read(socket, UNTIL_CLOSED), port);
    socket.destroy();
  },
  'connection: too many fields': async (t) => {
    const server = createServer((incoming, response) => response.end(`${Object.keys(incoming.headers)}`));
    server.maxHeadersCount = 3;
    const port = await t.serve(server);
    await t.send(port, lastRequest('GET /', { A: '1', B: '2', C: '3' }));
  },
  'connection: the socket of two requests': async (t) => {
    let first;
    const port = await t.serve((incoming, response) => {
      const { socket } = incoming;
      first ??= socket;
      socket.mark = (socket.mark ?? 0) + 1;
      t.log(socket === first, socket === response.socket, socket.mark, socket.remoteAddress, socket.localAddress);
      t.log(socket.encrypted ?? 'plain', socket.remoteFamily, typeof socket.remotePort, socket.localPort === port);
      t.log(socket.destroyed, socket.bytesRead > 0, socket.address().family);
      response.end();
    });
    await t.send(port, request('GET /'), lastRequest('GET /'));
  },
  'connection: events of a server': async (t) => {
    const server = createServer();
    t.watch('server', server, ['listening', 'connection', 'request', 'close', 'clientError', 'error']);
    server.on('request', (_, response) => response.end('ok'));
    const port = await t.serve(server);
    await t.send(port, request('GET /'), lastRequest('GET /'));
    server.close(() => t.log('callback of close'));
    await once(server, 'close');
  },
  'connection: close waits for what is under way': async (t) => {
    const server = createServer((_, response) => {
      server.close(() => t.log('closed'));
      t.log('listening', server.listening);
      setImmediate(() => response.end('the last one'));
    });
    const port = await t.serve(server);
    const closed = once(server, 'close');
    await t.send(port, lastRequest('GET /'));
    await closed;
  },
  'connection: two listeners and none': async (t) => {
    const server = createServer((_, response) => t.log('first', response.headersSent));
    server.on('request', (_, response) => response.end('second'));
    const port = await t.serve(server);
    await t.send(port, lastRequest('GET /'));
    t.log(server.listenerCount('request'), server.listeners('request').length);
    const [first] = server.listeners('request');
    server.removeAllListeners('request');
    server.on('request', (incoming, response) => {
      t.log('wrapped');
      first(incoming, response);
      response.end('third');
    });
    await t.send(port, lastRequest('GET /'));
  },
};

function deferred() {
  const found = {};
  found.promise = new Promise((resolve) => {
    found.resolve = resolve;
  });
  return found;
}

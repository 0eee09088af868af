// What throws, and with which code.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { lastRequest, request } from '../context.js';

/** The misuse of a response whose head has not been sent. */
const BEFORE = {
  'a name with a space': (response) => response.setHeader('a b', 'c'),
  'an empty name': (response) => response.setHeader('', 'c'),
  'a name that is no text': (response) => response.setHeader(1, 'c'),
  'no value': (response) => response.setHeader('a'),
  'a value with a line end': (response) => response.setHeader('a', 'b\r\nc'),
  'a value beyond Latin-1': (response) => response.setHeader('a', '\u20ac'),
  'a list with a bad value': (response) => response.setHeader('a', ['b', 'c\n']),
  'a status of 99': (response) => response.writeHead(99),
  'a status of 1000': (response) => response.writeHead(1000),
  'a status that is no number': (response) => response.writeHead('abc'),
  'fields of odd length': (response) => response.writeHead(200, ['a']),
  'getHeader without a name': (response) => response.getHeader(),
  'removeHeader without a name': (response) => response.removeHeader(),
  'hasHeader without a name': (response) => response.hasHeader(),
  'write of nothing': (response) => response.write(),
  'write of null': (response) => response.write(null),
  'write of a number': (response) => response.write(1),
  'a bad trailer': (response) => response.addTrailers({ 'a b': 'c' }),
  'early hints without a link': (response) => response.writeEarlyHints({ x: 'y' }),
  'early hints with a bad link': (response) => response.writeEarlyHints({ link: 'nothing' }),
  'setHeaders of an object': (response) => response.setHeaders({}),
  'appendHeader with a bad value': (response) => response.appendHeader('a', '\n'),
};

const AFTER = {
  setHeader: (response) => response.setHeader('a', 'b'),
  appendHeader: (response) => response.appendHeader('a', 'b'),
  removeHeader: (response) => response.removeHeader('a'),
  writeHead: (response) => response.writeHead(200),
  flushHeaders: (response) => response.flushHeaders(),
  'getHeader is free': (response) => response.getHeader('a'),
  'statusCode is free': (response) => (response.statusCode = 500),
};

export const MISUSE = {
  'misuse: before the head': async (t) => {
    const port = await t.serve((_, response) => {
      for (const [name, misuse] of Object.entries(BEFORE)) t.attempt(name, () => misuse(response));
      response.end('ok');
    });
    await t.send(port, lastRequest('GET /'));
  },
  'misuse: after the head': async (t) => {
    const port = await t.serve((_, response) => {
      response.write('x');
      for (const [name, misuse] of Object.entries(AFTER)) t.attempt(name, () => misuse(response));
      response.end();
    });
    await t.send(port, lastRequest('GET /'));
  },
  'misuse: after the end': async (t) => {
    const port = await t.serve((_, response) => {
      t.watch('response', response, ['error', 'finish', 'close']);
      response.on('finish', () => t.log('finished', response.writableFinished, response.writableEnded));
      response.end('x');
      for (const [name, misuse] of Object.entries(AFTER)) t.attempt(name, () => misuse(response));
      t.log(response.write('y', (error) => t.logError('callback of write', error)));
      response.end((error) => t.logError('callback of end', error));
      response.end('z', (error) => t.logError('callback of another end', error));
    });
    await t.send(port, lastRequest('GET /'));
  },
  'misuse: a length that does not match': async (t) => {
    const port = await t.serve((incoming, response) => {
      response.strictContentLength = true;
      response.setHeader('Content-Length', 3);
      if (incoming.url === '/long') t.attempt('too long', () => response.write('abcd'));
      else t.attempt('too short', () => response.end('ab'));
      setImmediate(() => incoming.socket.destroy());
    });
    for (const path of ['/long', '/short']) {
      const socket = await t.open(port);
      socket.resume().end(lastRequest(`GET ${path}`));
      await once(socket, 'close');
    }
  },
  'misuse: a bad message': async (t) => {
    const port = await t.serve((incoming, response) => {
      t.attempt('writeHead', () => response.writeHead(200, 'a\nb'));
      setImmediate(() => incoming.socket.destroy());
    });
    await t.send(port, lastRequest('GET /'));
  },
  'misuse: a body that is not allowed': async (t) => {
    const options = { rejectNonStandardBodyWrites: true };
    const port = await t.serve((_, response) => {
      t.attempt('write', () => response.write('x'));
      t.attempt('end', () => response.end('x'));
      response.end();
    }, options);
    await t.send(port, lastRequest('HEAD /'));
  },
  'misuse: a listener that throws': async (t) => {
    let throwing;
    const port = await t.serve((incoming, response) => {
      throwing = incoming.socket;
      if (incoming.url === '/late') response.write('begun');
      setTimeout(() => throwing.destroy(), 50);
      throw new TypeError('on purpose');
    });
    await t.send(port, request('GET /'));
    await t.send(port, request('GET /late'));
  },
  'misuse: a listener that rejects': async (t) => {
    const port = await t.serve(async (incoming) => {
      setImmediate(() => incoming.socket.destroy());
      throw new TypeError('on purpose');
    });
    await t.send(port, request('GET /'));
  },
  'misuse: an error without a listener': async (t) => {
    const port = await t.serve((_, response) => {
      response.on('close', () => t.log('close'));
      response.destroy(new Error('on purpose'));
    });
    await t.send(port, request('GET /'));
  },
  'misuse: of a server': async (t) => {
    const server = createServer();
    t.log(server.address(), server.listening);
    t.attempt('a port too large', () => server.listen(70_000));
    t.attempt('a bad option', () => createServer({ maxHeaderSize: 'x' }));
    t.attempt('options of the wrong kind', () => createServer('x'));
    t.attempt('a bad time-out', () => createServer({ requestTimeout: -1 }));
    t.attempt('time-outs that contradict', () => createServer({ headersTimeout: 2, requestTimeout: 1 }));
    server.close((error) => t.logError('close', error));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.attempt('listening twice', () => server.listen(0));
    const second = createServer();
    t.watch('second', second, ['error', 'listening', 'close']);
    second.listen(server.address().port, '127.0.0.1');
    await once(second, 'error').catch(() => {});
    server.close((error) => t.log('closed', error ?? 'without an error', server.address()));
    await once(server, 'close');
  },
};

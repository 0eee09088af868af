// Bare `(request, response)` listeners: bytes and events of ordinary exchanges.
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { lastRequest, post, request } from '../context.js';

const REQUEST_EVENTS = ['end', 'close', 'aborted', 'error'];
const RESPONSE_EVENTS = ['prefinish', 'finish', 'close', 'pipe', 'unpipe', 'error'];

function methodsOfHead(response) {
  response.setHeader('X-Name', 'one');
  response.setHeader('x-lines', ['a', 'b']);
  response.appendHeader('X-Lines', 'c');
  response.setHeader('Set-Cookie', ['a=1', 'b=2']);
  response.removeHeader('x-none');
  return [
    response.getHeaderNames(),
    response.getHeaders(),
    response.hasHeader('X-NAME'),
    response.getHeader('x-lines'),
  ];
}

export const BASICS = {
  'http: a text': async (t) => {
    const port = await t.serve((_, response) => response.end('Hello\n'));
    await t.send(port, request('GET /'), lastRequest('GET /'));
  },
  'http: pieces are chunked': async (t) => {
    const port = await t.serve((_, response) => {
      response.write('one');
      response.write(Buffer.from('two'));
      response.end('three');
    });
    await t.send(port, lastRequest('GET /'));
  },
  'http: pieces in later turns': async (t) => {
    const port = await t.serve((_, response) => {
      response.write('one');
      setImmediate(() => {
        response.write('two');
        setImmediate(() => response.end());
      });
    });
    await t.send(port, lastRequest('GET /'));
  },
  'http: HTTP/1.0': async (t) => {
    const port = await t.serve((incoming, response) => {
      response.write(incoming.httpVersion);
      response.end('!');
    });
    await t.send(port, 'GET / HTTP/1.0\r\n\r\n');
    await t.send(port, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  },
  'http: HTTP/1.0 with a length stays open': async (t) => {
    const port = await t.serve((_, response) => response.end('ok'));
    await t.send(port, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n');
  },
  'http: HEAD, 204 and 304 have no body': async (t) => {
    const port = await t.serve((incoming, response) => {
      response.statusCode = Number(incoming.url.slice(1));
      response.setHeader('X-A', 'b');
      response.write('dropped');
      response.end('dropped too');
    });
    await t.send(port, request('HEAD /200'), request('GET /204'), request('GET /304'), lastRequest('HEAD /404'));
  },
  'http: HEAD and 304 with end alone': async (t) => {
    const port = await t.serve((incoming, response) => {
      response.statusCode = Number(incoming.url.slice(1));
      response.end('dropped');
    });
    await t.send(port, request('HEAD /200'), request('GET /204'), lastRequest('GET /304'));
  },
  'http: pipelined responses keep their order': async (t) => {
    const port = await t.serve((incoming, response) => {
      const respond = () => response.end(`body of ${incoming.url}`);
      if (incoming.url === '/1') setTimeout(respond, 20);
      else respond();
    });
    await t.send(port, request('GET /1') + request('GET /2') + lastRequest('GET /3'));
  },
  'http: fields of a request': async (t) => {
    const port = await t.serve((incoming, response) => {
      const { method, url, httpVersion, httpVersionMajor, httpVersionMinor, headers, rawHeaders, headersDistinct } =
        incoming;
      t.log({ method, url, httpVersion, httpVersionMajor, httpVersionMinor });
      t.log(headers);
      t.log(rawHeaders);
      t.log(headersDistinct);
      response.end();
    });
    const fields = [
      'Cookie: a=1',
      'cookie: b=2',
      'X-A: 1',
      'x-a: 2',
      'Set-Cookie: x',
      'set-cookie: y',
      'Age: 1',
      'Age: 2',
    ];
    const more = [
      'Content-Type: a/b',
      'content-type: c/d',
      'Accept: x',
      'Accept: y',
      'Empty:',
      'ETag: "1"',
      'X-Latin: \xe9',
    ];
    const text = [...fields, ...more].map((line) => `${line}\r\n`).join('');
    await t.send(port, `GET /a?b=c HTTP/1.1\r\nHOST: a\r\n${text}Connection: close\r\n\r\n`);
  },
  'http: fields of a response': async (t) => {
    const port = await t.serve((_, response) => {
      t.log(methodsOfHead(response));
      response.statusMessage = 'Fine';
      response.end('x');
      t.log([response.headersSent, response.finished, response.writableEnded, response.statusCode]);
    });
    await t.send(port, lastRequest('GET /'));
  },
  'http: writeHead in all its forms': async (t) => {
    const forms = {
      '/object': (response) => response.writeHead(201, { 'X-A': 'b', 'Content-Type': 'text/plain' }),
      '/message': (response) => response.writeHead(202, 'Taken', { 'X-A': ['b', 'c'] }),
      '/array': (response) => response.writeHead(200, ['X-A', 'b', 'x-a', 'c']),
      '/pairs': (response) =>
        response.writeHead(200, [
          ['X-A', 'b'],
          ['X-B', 'd'],
        ]),
      '/merged': (response) => {
        response.setHeader('X-A', 'before');
        response.setHeader('X-B', 'kept');
        return response.writeHead(200, { 'x-a': 'after' });
      },
      '/length': (response) => response.writeHead(200, { 'Content-Length': 2 }),
      '/unknown': (response) => response.writeHead(599),
    };
    const port = await t.serve((incoming, response) => {
      forms[incoming.url](response).end('ok');
    });
    const paths = Object.keys(forms);
    for (const path of paths) await t.send(port, lastRequest(`GET ${path}`));
  },
  'http: dates and connection fields of its own': async (t) => {
    const forms = {
      '/date': (response) => response.setHeader('Date', 'yesterday'),
      '/nodate': (response) => (response.sendDate = false),
      '/close': (response) => response.setHeader('Connection', 'close'),
      '/chunked': (response) => response.setHeader('Transfer-Encoding', 'chunked'),
      '/keep': (response) => response.setHeader('Keep-Alive', 'timeout=1'),
      '/removed': (response) => response.removeHeader('connection'),
      '/nolength': (response) => response.removeHeader('content-length'),
      '/notransfer': (response) => response.removeHeader('transfer-encoding'),
    };
    const port = await t.serve((incoming, response) => {
      forms[incoming.url](response);
      response.end('ok');
    });
    for (const path of Object.keys(forms)) await t.send(port, request(`GET ${path}`), lastRequest('GET /keep'));
  },
  'http: events of a GET': async (t) => {
    const port = await t.serve((incoming, response) => {
      t.watch('request', incoming, REQUEST_EVENTS);
      t.watch('response', response, RESPONSE_EVENTS);
      incoming.resume();
      response.on('finish', () => t.log('at finish', response.socket === null, response.writableFinished));
      response.on('close', () => t.log('at close', response.socket === null, response.closed, response.destroyed));
      response.end('ok', () => t.log('callback of end'));
      t.log('after end', response.writableEnded, response.writableFinished, response.socket !== null);
    });
    await t.send(port, lastRequest('GET /'));
  },
  'http: events of a GET whose request is not read': async (t) => {
    const port = await t.serve((incoming, response) => {
      t.watch('request', incoming, REQUEST_EVENTS);
      t.watch('response', response, RESPONSE_EVENTS);
      response.end('ok');
    });
    await t.send(port, request('GET /'), lastRequest('GET /'));
  },
  'http: events of a POST': async (t) => {
    const port = await t.serve(async (incoming, response) => {
      t.watch('request', incoming, REQUEST_EVENTS);
      t.watch('response', response, RESPONSE_EVENTS);
      let body = '';
      for await (const piece of incoming) body += piece;
      t.log('read', body.length, incoming.complete, incoming.readableEnded, incoming.destroyed);
      response.end(body);
    });
    await t.send(port, request('POST /', {}, 'x'.repeat(1000)), post('/', 'text/plain', 'yy'));
    await t.send(
      port,
      lastRequest('POST /', { 'Transfer-Encoding': 'chunked' }, '3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n'),
    );
  },
  'http: a body that is not read is dropped': async (t) => {
    const port = await t.serve((incoming, response) => {
      t.watch('request', incoming, REQUEST_EVENTS);
      response.end(incoming.url);
    });
    await t.send(port, request('POST /1', {}, 'x'.repeat(100_000)), lastRequest('GET /2'));
  },
  'http: trailers both ways': async (t) => {
    const port = await t.serve((incoming, response) => {
      incoming.resume().on('end', () => {
        t.log(incoming.trailers, incoming.rawTrailers, incoming.trailersDistinct);
        response.writeHead(200, { Trailer: 'X-Sum' });
        response.write('body');
        response.addTrailers({ 'X-Sum': '1' });
        response.end();
      });
    });
    const chunks = '2\r\nab\r\n0\r\nX-T: 1\r\nx-t: 2\r\n\r\n';
    await t.send(port, lastRequest('POST /', { 'Transfer-Encoding': 'chunked', TE: 'trailers' }, chunks));
  },
  // Since Node.js 26.
  'http: writeInformation': async (t) => {
    const port = await t.serve((_, response) => {
      if (response.writeInformation === undefined) t.log('none');
      else response.writeInformation(110, { 'x-note': 'stale' });
      response.end('ok');
    });
    await t.send(port, lastRequest('GET /'));
  },
  'http: interim responses': async (t) => {
    const port = await t.serve((_, response) => {
      response.writeProcessing();
      response.writeEarlyHints({ link: '</a.css>; rel=preload; as=style', 'x-more': 'y' });
      response.writeContinue();
      response.end('ok');
    });
    await t.send(port, lastRequest('GET /'));
  },
  'http: a stream is piped': async (t) => {
    const port = await t.serve((incoming, response) => {
      t.watch('response', response, RESPONSE_EVENTS);
      if (incoming.url === '/pipe') Readable.from(['a', 'b', 'c']).pipe(response);
      else pipeline(Readable.from(['x', 'y']), response).then(() => t.log('pipeline done'));
    });
    await t.send(port, lastRequest('GET /pipe'));
    await t.send(port, lastRequest('GET /pipeline'));
  },
  'http: the request is piped into its response': async (t) => {
    const port = await t.serve((incoming, response) => {
      response.setHeader('Content-Length', incoming.headers['content-length']);
      incoming.pipe(response);
    });
    await t.send(port, lastRequest('POST /', {}, 'z'.repeat(200_000)));
  },
  'http: flushHeaders, cork and uncork': async (t) => {
    const port = await t.serve(async (incoming, response) => {
      if (incoming.url === '/flush') {
        response.flushHeaders();
        t.log(response.headersSent);
        setImmediate(() => response.end('late'));
      } else {
        response.cork();
        response.write('a');
        response.write('b');
        response.uncork();
        response.end('c');
      }
    });
    await t.send(port, lastRequest('GET /flush'));
    await t.send(port, lastRequest('GET /cork'));
  },
  'http: events of a full response': async (t) => {
    const port = await t.serve((_, response) => {
      let isFull = false;
      for (let i = 0; i < 1_024 && !isFull; i++) isFull = !response.write('x'.repeat(65_536));
      t.log('write said false', isFull, response.writableNeedDrain);
      response.once('drain', () => {
        t.log('drain');
        response.destroy();
      });
    });
    const socket = await t.open(port);
    socket.write(request('GET /'));
    socket.resume();
    await once(socket, 'end');
  },
};

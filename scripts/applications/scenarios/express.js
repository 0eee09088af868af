// Express 4 and 5: the same applications on both.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastRequest, post, request } from '../context.js';

function application(express) {
  const app = express();
  app.set('env', 'test');
  app.get('/', (_, response) => response.send('Hello'));
  app.get('/json', (_, response) => response.status(201).json({ a: [1, 2] }));
  app.get('/user/:id', ({ params, query, path, hostname, ip, protocol, originalUrl }, response) => {
    response.json({ params, query, path, hostname, ip, protocol, originalUrl });
  });
  app.get('/cookie', (_, response) => response.cookie('a', 'b c', { httpOnly: true }).clearCookie('z').end());
  app.get('/redirect', (_, response) => response.redirect('/user/1'));
  app.get('/type', (_, response) => response.type('png').send(Buffer.from('png')));
  app.get('/links', (_, response) =>
    response.links({ next: '/2' }).vary('Accept').append('Link', '</3>').sendStatus(202),
  );
  app.get('/format', (_, response) =>
    response.format({ text: () => response.send('text'), json: () => response.send({ j: 1 }) }),
  );
  app.get('/throws', () => {
    throw Object.assign(new Error('on purpose'), { status: 418, expose: true });
  });
  app.get('/next', (_request, _response, next) => next(new Error('hidden')));
  app.get('/stream', (_, response) => {
    response.write('a');
    setImmediate(() => response.end('b'));
  });
  app.use((error, _request, response, _next) => response.status(error.status ?? 500).send(`error: ${error.message}`));
  return app;
}

const PATHS = [
  '/',
  '/json',
  '/user/7?x=1&y[]=2',
  '/cookie',
  '/redirect',
  '/type',
  '/links',
  '/format',
  '/throws',
  '/next',
  '/none',
];

function bodies(express, t) {
  const app = express();
  app.use(express.json({ limit: 100 }), express.urlencoded({ extended: true }), express.text(), express.raw());
  app.post('/', (incoming, response) => {
    t.log(Buffer.isBuffer(incoming.body) ? incoming.body.toString() : (incoming.body ?? 'no body'));
    response.json({ body: incoming.body ?? null });
  });
  app.use((error, _request, response, _next) =>
    response.status(error.status).json({ type: error.type, message: error.message }),
  );
  return app;
}

function site(t) {
  const folder = mkdtempSync(join(tmpdir(), 'epoll-server-site-'));
  t.onEnd(() => rmSync(folder, { recursive: true }));
  const files = { 'a.txt': 'abcdefghijklmnopqrstuvwxyz', '.hidden': 'x', 'big.bin': 'b'.repeat(300_000) };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), content);
    utimesSync(join(folder, name), 1_000_000, 1_000_000);
  }
  return folder;
}

/** Scenarios of both versions: `name` is that of the package. */
const BOTH = {
  routes: async (t, name) => {
    const port = await t.serve(application(t.load(name)));
    for (const path of PATHS) await t.send(port, lastRequest(`GET ${path}`, { Accept: 'application/json' }));
  },
  'HEAD, OPTIONS and conditions': async (t, name) => {
    const port = await t.serve(application(t.load(name)));
    await t.send(port, request('HEAD /'), request('OPTIONS /'), request('HEAD /stream'), lastRequest('DELETE /'));
    const response = await t.send(port, lastRequest('GET /json'));
    const tag = /^ETag: (.*)\r$/m.exec(response)?.[1] ?? '';
    await t.send(port, request('GET /json', { 'If-None-Match': tag }), lastRequest('GET /', { 'If-None-Match': '*' }));
  },
  bodies: async (t, name) => {
    const port = await t.serve(bodies(t.load(name), t));
    await t.send(port, post('/', 'application/json', '{"a":1}'));
    await t.send(port, post('/', 'application/json', '{"a":'));
    await t.send(port, post('/', 'application/json', `"${'x'.repeat(200)}"`));
    await t.send(port, post('/', 'application/x-www-form-urlencoded', 'a=1&b[c]=2'));
    await t.send(port, post('/', 'text/plain', 'text'));
    await t.send(port, post('/', 'application/octet-stream', 'raw'));
    await t.send(port, post('/', 'application/json', '', { 'Content-Length': 0 }));
    await t.send(port, post('/', 'application/json', '7\r\n{"a":1}\r\n0\r\n\r\n', { 'Transfer-Encoding': 'chunked' }));
  },
  'static files': async (t, name) => {
    const express = t.load(name);
    const app = express();
    app.use(express.static(site(t)));
    const port = await t.serve(app);
    await t.send(port, lastRequest('GET /a.txt'));
    await t.send(port, lastRequest('GET /a.txt', { Range: 'bytes=2-5' }));
    await t.send(port, lastRequest('GET /a.txt', { Range: 'bytes=100-' }));
    await t.send(port, request('HEAD /a.txt'), request('GET /.hidden'), lastRequest('GET /../x'));
    await t.send(port, lastRequest('GET /a.txt', { 'If-Modified-Since': new Date(2e12).toUTCString() }));
    const received = await t.send(port, lastRequest('GET /big.bin'));
    t.log(received.length);
  },
  'sendFile and download': async (t, name) => {
    const root = site(t);
    const app = t.load(name)();
    const options = { root };
    app.get('/file', (_, response) => response.sendFile('a.txt', options, (error) => t.log('sent', error ?? '')));
    app.get('/download', (_, response) => response.download('a.txt', 'ü.txt', options));
    app.get('/none', (_, response) =>
      response.sendFile('none', options, (error) => response.status(error.status).send(error.code)),
    );
    const port = await t.serve(app);
    for (const path of ['/file', '/download', '/none']) await t.send(port, lastRequest(`GET ${path}`));
  },
  'routes and members that are added after listen': async (t, name) => {
    const express = t.load(name);
    const app = express();
    const port = await t.serve(app);
    await t.send(port, lastRequest('GET /late'));
    app.get('/late', (incoming, response) => response.send(`${typeof incoming.extra} ${typeof response.extra}`));
    await t.send(port, lastRequest('GET /late'));
    app.request.extra = 'own';
    app.response.extra = function extra() {
      return this.json({ status: this.statusCode, own: this.req.extra });
    };
    app.get('/extra', (_, response) => response.extra());
    const inner = express();
    inner.get('/x', ({ baseUrl, app: its }, response) => response.json({ baseUrl, isInner: its === inner }));
    app.use('/inner', inner);
    for (const path of ['/late', '/extra', '/inner/x']) await t.send(port, lastRequest(`GET ${path}`));
  },
  'an application that listens late to a server': async (t, name) => {
    const server = createServer();
    const port = await t.serve(server);
    const app = t.load(name)();
    app.post('/', (incoming, response) => incoming.pipe(response.type('text')));
    server.on('request', app);
    await t.send(port, request('POST /', {}, 'one'), lastRequest('POST /', {}, 'two'));
  },
  'routers and what they rewrite': async (t, name) => {
    const express = t.load(name);
    const app = express();
    const router = express.Router();
    router.use((incoming, _response, next) => {
      t.log(incoming.url, incoming.baseUrl, incoming.originalUrl);
      next();
    });
    router.get('/x', (incoming, response) => response.send(incoming.get('x-a') ?? `${incoming.is('json')}`));
    app.use('/deep', router);
    const sub = express();
    sub.get('/y', (incoming, response) => response.json([incoming.baseUrl, response.locals, incoming.app === sub]));
    app.use('/sub', sub);
    const port = await t.serve(app);
    await t.send(port, request('GET /deep/x', { 'X-A': 'b' }), request('GET /deep/none'), lastRequest('GET /sub/y'));
  },
  'the chain of prototypes': async (t, name) => {
    const { IncomingMessage, ServerResponse } = await import('node:http');
    const express = t.load(name);
    const app = express();
    app.request.mine = () => 'request';
    app.response.mine = () => 'response';
    app.use((incoming, response) => {
      t.log(incoming instanceof IncomingMessage, response instanceof ServerResponse, incoming.mine(), response.mine());
      t.log(Object.getPrototypeOf(incoming) === app.request, incoming.res === response, response.req === incoming);
      response.end();
    });
    const port = await t.serve(app);
    await t.send(port, request('GET /'), lastRequest('GET /'));
  },
};

function scenariosOf(name) {
  return Object.fromEntries(Object.entries(BOTH).map(([title, run]) => [`${name}: ${title}`, (t) => run(t, name)]));
}

export const EXPRESS = {
  ...scenariosOf('express'),
  ...scenariosOf('express-4'),
  'express: a handler that rejects': async (t) => {
    const app = t.load('express')();
    app.get('/', async () => {
      throw new Error('on purpose');
    });
    app.use((error, _request, response, _next) => response.status(500).send(error.message));
    const port = await t.serve(app);
    await t.send(port, lastRequest('GET /'));
  },
  'express: events of a stream of events': async (t) => {
    const app = t.load('express')();
    let left;
    const gone = new Promise((resolve) => {
      left = resolve;
    });
    app.get('/', (incoming, response) => {
      response.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' }).flushHeaders();
      response.write('data: 1\n\n');
      incoming.on('close', left);
    });
    const port = await t.serve(app);
    const socket = await t.open(port);
    socket.write(request('GET /'));
    t.logBytes(await t.read(socket, /data: 1/), port);
    socket.destroy();
    await gone;
    t.log('the client left');
  },
};

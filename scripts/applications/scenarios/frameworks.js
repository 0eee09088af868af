// Koa, Fastify, Nest, Hono, connect and polka.
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { lastRequest, post, request, UNTIL_CLOSED } from '../context.js';

function koaApplication(t) {
  const Koa = t.load('koa');
  const app = new (Koa.default ?? Koa)();
  app.on('error', (error) => t.log('koa error', error.message));
  const routes = {
    '/': (context) => (context.body = 'Hello'),
    '/json': (context) => (context.body = { a: 1 }),
    '/buffer': (context) => (context.body = Buffer.from('bytes')),
    '/stream': (context) => (context.body = Readable.from(['a', 'b'])),
    '/empty': (context) => (context.status = 204),
    '/redirect': (context) => context.redirect('/json'),
    '/throw': (context) => context.throw(403, 'not you'),
    '/error': () => {
      throw new Error('hidden');
    },
    '/broken': (context) => {
      context.body = new Readable({ read: () => {} });
      setImmediate((body) => body.destroy(new Error('broken')), context.body);
    },
    '/own': (context) => {
      context.respond = false;
      context.res.end('own');
    },
    '/info': (context) =>
      (context.body = [context.ip, context.host, context.query, context.fresh, context.length ?? null]),
  };
  app.use(async (context, next) => {
    await next();
    context.set('X-After', context.path);
  });
  app.use((context) => routes[context.path]?.(context));
  return app;
}

function fastifyApplication(t) {
  const app = t.load('fastify')({ logger: false, serverFactory: (handler) => createServer(handler) });
  for (const hook of [
    'onRequest',
    'preParsing',
    'preValidation',
    'preHandler',
    'preSerialization',
    'onSend',
    'onResponse',
  ]) {
    app.addHook(hook, async () => t.log(hook));
  }
  app.get('/', async () => ({ hello: 'world' }));
  app.get('/text', (_, reply) => reply.header('x-a', 'b').code(202).send('text'));
  app.get('/stream', (_, reply) => reply.type('text/plain').send(Readable.from(['a', 'b'])));
  app.get('/throws', async () => {
    throw new Error('on purpose');
  });
  app.get('/hijack', (_, reply) => {
    reply.hijack();
    reply.raw.end('raw');
  });
  app.get('/trailer', async (_, reply) => {
    reply.trailer('x-sum', async () => 'sum');
    return 'body';
  });
  const schema = { body: { type: 'object', required: ['n'], properties: { n: { type: 'number' } } } };
  app.post('/', { schema, bodyLimit: 50 }, async ({ body, ip, hostname }) => ({ n: body.n + 1, ip, hostname }));
  return app;
}

/** A class with decorators, as TypeScript would write it. */
function nestModule(t) {
  t.load('reflect-metadata');
  const { Body, Controller, Get, HttpCode, Module, NotFoundException, Param, Post } = t.load('@nestjs/common');
  class Cats {
    hello() {
      return 'Hello';
    }
    one(id) {
      if (id === '0') throw new NotFoundException('no such cat');
      return { id };
    }
    add(body) {
      return { body };
    }
  }
  const decorate = (name, ...decorators) => {
    const descriptor = Object.getOwnPropertyDescriptor(Cats.prototype, name);
    for (const decorator of decorators) decorator(Cats.prototype, name, descriptor);
  };
  decorate('hello', Get());
  decorate('one', Get(':id'));
  Param('id')(Cats.prototype, 'one', 0);
  decorate('add', Post(), HttpCode(202));
  Body()(Cats.prototype, 'add', 0);
  Controller('cats')(Cats);
  class Application {}
  Module({ controllers: [Cats] })(Application);
  return Application;
}

function honoApplication(t) {
  const { Hono } = t.load('hono');
  const app = new Hono();
  app.get('/', (context) => context.text('Hello'));
  app.get('/json', (context) => context.json({ a: 1 }, 201, { 'X-A': 'b' }));
  app.get('/stream', () => new Response(Readable.toWeb(Readable.from([Buffer.from('a'), Buffer.from('b')]))));
  app.get('/throws', () => {
    throw new Error('on purpose');
  });
  app.onError((error, context) => context.text(error.message, 500));
  app.post('/', async (context) => context.json({ body: await context.req.text(), url: context.req.path }));
  app.post('/form', async (context) => context.json(await context.req.parseBody()));
  return app;
}

export const FRAMEWORKS = {
  koa: async (t) => {
    const port = await t.serve(koaApplication(t).callback());
    const paths = [
      '/',
      '/json',
      '/buffer',
      '/stream',
      '/empty',
      '/redirect',
      '/throw',
      '/error',
      '/own',
      '/info',
      '/none',
    ];
    for (const path of paths) await t.send(port, lastRequest(`GET ${path}`));
    await t.send(port, request('HEAD /'), request('HEAD /stream'), lastRequest('HEAD /json'));
  },
  'koa: a stream that breaks': async (t) => {
    const app = koaApplication(t);
    const port = await t.serve(app.callback());
    let errors = 0;
    const both = new Promise((resolve) => app.on('error', () => ++errors === 2 && resolve()));
    const socket = await t.open(port);
    socket.write(lastRequest('GET /broken'));
    const received = await t.read(socket, UNTIL_CLOSED);
    await both;
    t.logBytes(received, port);
  },
  'koa: listen': async (t) => {
    const server = koaApplication(t).listen(0, '127.0.0.1');
    t.onEnd(() => server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    await t.send(server.address().port, lastRequest('GET /json'));
  },
  fastify: async (t) => {
    const app = fastifyApplication(t);
    t.onEnd(() => app.close());
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address();
    for (const path of ['/', '/text', '/stream', '/throws', '/hijack', '/trailer', '/none']) {
      await t.send(port, lastRequest(`GET ${path}`, { TE: 'trailers' }));
    }
    await t.send(port, post('/', 'application/json', '{"n":1}'));
    await t.send(port, post('/', 'application/json', '{"m":1}'));
    await t.send(port, post('/', 'application/json', '{'));
    await t.send(port, post('/', 'application/json', `{"n":1,"x":"${'y'.repeat(60)}"}`));
    await t.send(port, post('/', 'text/csv', 'a'));
    await t.send(port, request('HEAD /'), lastRequest('OPTIONS /'));
  },
  'fastify: closing': async (t) => {
    const app = fastifyApplication(t);
    app.addHook('onClose', async () => t.log('onClose'));
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address();
    const socket = await t.open(port);
    socket.write(request('GET /'));
    t.logBytes(await t.read(socket, /world/), port);
    await app.close();
    t.log(app.server.listening, await t.read(socket, UNTIL_CLOSED));
  },
  nest: async (t) => {
    const { NestFactory } = t.load('@nestjs/core');
    const { ExpressAdapter } = t.load('@nestjs/platform-express');
    const app = await NestFactory.create(nestModule(t), new ExpressAdapter(), { logger: false });
    t.onEnd(() => app.close());
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address();
    for (const path of ['/cats', '/cats/7', '/cats/0', '/none']) await t.send(port, lastRequest(`GET ${path}`));
    await t.send(port, post('/cats', 'application/json', '{"a":1}'));
    await t.send(port, post('/cats', 'application/json', '{'));
  },
  hono: async (t) => {
    const { createAdaptorServer } = t.load('@hono/node-server');
    const port = await t.serve(createAdaptorServer({ fetch: honoApplication(t).fetch, createServer }));
    for (const path of ['/', '/json', '/stream', '/throws', '/none']) await t.send(port, lastRequest(`GET ${path}`));
    await t.send(port, post('/', 'text/plain', 'body'));
    await t.send(port, post('/form', 'application/x-www-form-urlencoded', 'a=1&b=2'));
    await t.send(port, lastRequest('HEAD /'));
  },
  connect: async (t) => {
    const app = t.load('connect')();
    app.use('/a', (incoming, response) => response.end(`${incoming.url} ${incoming.originalUrl}`));
    app.use('/throws', () => {
      throw Object.assign(new Error('on purpose'), { status: 400, stack: 'a stack' });
    });
    const port = await t.serve(app);
    for (const path of ['/a/b', '/none', '/throws']) await t.send(port, lastRequest(`GET ${path}`));
  },
  polka: async (t) => {
    const polka = t.load('polka');
    const app = polka({ server: createServer() });
    app.get('/:name', ({ params, query, path }, response) => response.end(JSON.stringify({ params, query, path })));
    app.listen(0, '127.0.0.1');
    t.onEnd(() => app.server.close());
    await new Promise((resolve) => (app.server.listening ? resolve() : app.server.once('listening', resolve)));
    await t.send(app.server.address().port, request('GET /a?b=c'), lastRequest('GET /a/b'));
  },
};

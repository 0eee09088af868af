// One application for node:http: node [--import REGISTER] bench/servers/node-application.js NAME PACKAGES. PACKAGES is the
// folder in which the frameworks are installed. With epoll-server/register imported it runs over this server.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { announce } from './control.js';

const TEXT = 'Hello\n';

const [name, packages] = process.argv.slice(2);
const load = createRequire(join(packages ?? '.', 'package.json'));

function bare() {
  return createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.end(TEXT);
  });
}

function express() {
  const app = load('express')();
  app.get('/', (_request, response) => response.type('text').send(TEXT));
  return createServer(app);
}

function koa() {
  const Koa = load('koa');
  const app = new (Koa.default ?? Koa)();
  app.use((context) => {
    context.body = TEXT;
  });
  return createServer(app.callback());
}

async function fastify() {
  let server;
  const serverFactory = (handler) => {
    server = createServer(handler);
    return server;
  };
  const app = load('fastify')({ serverFactory });
  app.get('/', (_request, reply) => reply.send(TEXT));
  await app.ready();
  return server;
}

function json() {
  const app = load('express')();
  app.use(load('express').json());
  app.post('/', ({ body }, response) => response.json({ fields: Object.keys(body).length }));
  return createServer(app);
}

const APPLICATIONS = { bare, express, koa, fastify, json };

if (name === undefined || !Object.hasOwn(APPLICATIONS, name)) {
  process.stderr.write(`node-application: name one of ${Object.keys(APPLICATIONS).join(', ')}\n`);
  process.exit(2);
}
const server = await APPLICATIONS[name]();
server.keepAliveTimeout = 3_600_000;
server.listen(0, '127.0.0.1', () => announce(server.address().port));

// Clients: supertest, undici, node:http's own, fetch.
import { once } from 'node:events';
import { Agent, request as clientRequest, createServer } from 'node:http';

function echo(t) {
  const app = t.load('express')();
  app.use(t.load('express').json());
  app.get('/', (_, response) => response.json({ hello: 'world' }));
  app.post('/', ({ body }, response) => response.status(201).json(body));
  app.get('/slow', (_, response) => {
    response.write('a');
    setImmediate(() => response.end('b'));
  });
  return app;
}

export const CLIENTS = {
  supertest: async (t) => {
    const ask = t.load('supertest');
    const app = echo(t);
    await ask(app).get('/').expect(200, { hello: 'world' }).expect('Content-Type', /json/);
    const { status, body } = await ask(app).post('/').send({ a: 1 });
    t.log(status, body);
    const agent = ask.agent(createServer(app));
    t.log((await agent.get('/slow')).text, (await agent.head('/')).headers['content-length']);
  },
  undici: async (t) => {
    const { Pool, request } = t.load('undici');
    const server = createServer(echo(t));
    let connections = 0;
    server.on('connection', () => connections++);
    const port = await t.serve(server);
    const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 1, pipelining: 4 });
    t.onEnd(() => pool.close());
    const paths = ['/', '/slow', '/none', '/'];
    const responses = await Promise.all(paths.map((path) => pool.request({ method: 'GET', path })));
    for (const { statusCode, headers, body } of responses) {
      t.log(statusCode, Object.keys(headers), (await body.text()).length);
    }
    t.log('connections', connections);
    const { body } = await request(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body: '[1]',
      headers: { 'Content-Type': 'application/json' },
    });
    t.log(await body.text());
  },
  fetch: async (t) => {
    const port = await t.serve((incoming, response) => incoming.pipe(response));
    const body = new Blob(['x'.repeat(300_000)]).stream();
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body, duplex: 'half' });
    t.log(response.status, (await response.text()).length);
  },
  'http.request': async (t) => {
    const sockets = new Set();
    const server = createServer((incoming, response) => {
      sockets.add(incoming.socket);
      response.writeHead(200, { Trailer: 'x-t' });
      response.write('body');
      response.addTrailers({ 'x-t': '1' });
      response.end();
    });
    const port = await t.serve(server);
    const agent = new Agent({ keepAlive: true });
    t.onEnd(() => agent.destroy());
    for (let i = 0; i < 3; i++) {
      const client = clientRequest({ port, agent, path: `/${i}` }).end();
      const [response] = await once(client, 'response');
      let text = '';
      for await (const piece of response) text += piece;
      t.log(response.statusCode, text, response.trailers, response.headers.connection, response.headers['keep-alive']);
    }
    t.log('connections', sockets.size);
  },
  'http.request: information and aborts': async (t) => {
    const server = createServer((_, response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      response.write('begun');
      response.on('close', () => t.log('the server saw it'));
    });
    const port = await t.serve(server);
    const client = clientRequest({ port, agent: false }).end();
    client.on('information', ({ statusCode, headers }) => t.log(statusCode, headers));
    client.on('error', (error) => t.log(error.code));
    const [response] = await once(client, 'response');
    await once(response, 'data');
    response.on('error', (error) => t.log(error.code));
    client.destroy();
    await new Promise((resolve) => {
      const look = () => (t.record.includes('the server saw it') ? resolve() : setTimeout(look, 5));
      look();
    });
  },
};

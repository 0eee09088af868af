// Middleware that hooks into requests and responses.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { lastRequest, post, request } from '../context.js';

function form(boundary, ...parts) {
  const texts = parts.map(
    ([fields, body]) => `--${boundary}\r\nContent-Disposition: form-data; ${fields}\r\n\r\n${body}\r\n`,
  );
  return `${texts.join('')}--${boundary}--\r\n`;
}

const FORM = 'multipart/form-data; boundary=b';

function uploads(t) {
  const multer = t.load('multer');
  const upload = multer({ storage: multer.memoryStorage(), limits: { fileSize: 1_000, files: 2 } });
  const app = t.load('express')();
  app.post('/', upload.array('files'), (incoming, response) => {
    const files = incoming.files.map(({ originalname, size, mimetype }) => ({ originalname, size, mimetype }));
    response.json({ files, body: incoming.body });
  });
  app.use((error, _request, response, _next) =>
    response.status(400).json({ code: error.code, message: error.message }),
  );
  return app;
}

function sessions(t) {
  const session = t.load('express-session');
  const app = t.load('express')();
  let ids = 0;
  app.use(session({ secret: 's', resave: false, saveUninitialized: true, genid: () => `id${++ids}` }));
  app.get('/', ({ session: kept }, response) => {
    kept.views = (kept.views ?? 0) + 1;
    response.send(`views ${kept.views}`);
  });
  app.get('/pieces', ({ session: kept }, response) => {
    kept.pieces = true;
    response.write('a');
    response.end('b');
  });
  app.get('/destroy', ({ session: kept }, response) => kept.destroy(() => response.end('destroyed')));
  app.get('/regenerate', (incoming, response) => incoming.session.regenerate(() => response.end(incoming.session.id)));
  return app;
}

/** A strategy with the token `good`. */
function tokens(passport) {
  return {
    name: 'token',
    authenticate(incoming) {
      if (incoming.headers.token === 'good') this.success({ name: 'me' });
      else if (incoming.headers.token === 'error') this.error(new Error('on purpose'));
      else this.fail('Token', 401);
    },
    passport,
  };
}

export const MIDDLEWARE = {
  compression: async (t) => {
    const app = t.load('express')();
    app.use(t.load('compression')({ threshold: 100 }));
    app.get('/long', (_, response) => response.send('x'.repeat(500)));
    app.get('/short', (_, response) => response.send('short'));
    app.get('/pieces', (_, response) => {
      response.type('text/plain');
      response.write('a'.repeat(200));
      response.flush();
      response.end('b');
    });
    app.get('/stream', (_, response) => Readable.from(['a'.repeat(200), 'b']).pipe(response.type('text')));
    const port = await t.serve(app);
    const headers = { 'Accept-Encoding': 'gzip' };
    for (const path of ['/long', '/short', '/pieces', '/stream'])
      await t.send(port, lastRequest(`GET ${path}`, headers));
    await t.send(port, request('HEAD /long', headers), lastRequest('GET /long', { 'Accept-Encoding': 'identity' }));
  },
  'compression: a client that leaves': async (t) => {
    const app = t.load('express')();
    app.use(t.load('compression')({ threshold: 0 }));
    app.get('/', (incoming, response) => {
      response.type('text/plain').write('x'.repeat(1_000));
      response.flush();
      response.on('close', () => t.log('close', response.writableFinished));
      incoming.socket.on('close', () => t.log('socket close'));
    });
    const port = await t.serve(app);
    const socket = await t.open(port);
    socket.write(request('GET /', { 'Accept-Encoding': 'gzip' }));
    await once(socket, 'data');
    socket.destroy();
    await new Promise((resolve) => {
      const look = () => (t.record.length >= 2 ? resolve() : setImmediate(look));
      look();
    });
  },
  'express-session': async (t) => {
    const port = await t.serve(sessions(t));
    const first = await t.send(port, lastRequest('GET /'));
    const Cookie = /^Set-Cookie: ([^;]*)/m.exec(first)?.[1] ?? '';
    for (const path of ['/', '/pieces', '/regenerate']) await t.send(port, lastRequest(`GET ${path}`, { Cookie }));
    await t.send(
      port,
      request('GET /', { Cookie }),
      request('GET /destroy', { Cookie }),
      lastRequest('GET /', { Cookie }),
    );
  },
  morgan: async (t) => {
    const morgan = t.load('morgan');
    const app = t.load('express')();
    const format = ':method :url HTTP/:http-version :status :res[content-length] :remote-addr :user-agent';
    app.use(morgan(format, { stream: { write: (line) => t.log('morgan', line.trim()) } }));
    app.use(morgan('immediate :method :status', { immediate: true, stream: { write: (line) => t.log(line.trim()) } }));
    app.get('/', (_, response) => response.send('Hello'));
    app.get('/none', (_, response) => response.status(204).end());
    app.get('/times', (_, response) => {
      response.end();
      response.on('finish', () => t.log(Number(morgan['response-time']({ _startAt: [0, 0] }, response)) !== 0));
    });
    const port = await t.serve(app);
    for (const path of ['/', '/none', '/missing', '/times'])
      await t.send(port, lastRequest(`GET ${path}`, { 'User-Agent': 'u' }));
  },
  helmet: async (t) => {
    const app = t.load('express')();
    app.use(t.load('helmet').default());
    app.get('/', (_, response) => response.send('Hello'));
    const port = await t.serve(app);
    await t.send(port, lastRequest('GET /'));
  },
  'express-rate-limit': async (t) => {
    const { rateLimit } = t.load('express-rate-limit');
    const app = t.load('express')();
    // The fields of its headers depend on the time.
    app.use(rateLimit({ windowMs: 60_000, limit: 2, standardHeaders: false, legacyHeaders: false }));
    app.get('/', ({ ip, rateLimit: { remaining } }, response) => response.json([ip, remaining]));
    const port = await t.serve(app);
    await t.send(port, request('GET /'), request('GET /'), lastRequest('GET /'));
  },
  'prom-client': async (t) => {
    const { Histogram, Registry } = t.load('prom-client');
    const registry = new Registry();
    const labelNames = ['route', 'status'];
    const seconds = new Histogram({
      name: 'seconds',
      help: 'of requests',
      labelNames,
      buckets: [60],
      registers: [registry],
    });
    const app = t.load('express')();
    app.use((incoming, response, next) => {
      const end = seconds.startTimer();
      response.on('finish', () => end({ route: incoming.route?.path ?? 'none', status: response.statusCode }));
      next();
    });
    app.get('/metrics', async (_, response) => {
      const text = await registry.metrics();
      response.type(registry.contentType).send(text.replace(/^(seconds_sum.*) .*$/gm, '$1 *'));
    });
    app.get('/:name', (_, response) => response.sendStatus(202));
    const port = await t.serve(app);
    await t.send(port, request('GET /a'), request('GET /a/b'), lastRequest('GET /metrics'));
  },
  passport: async (t) => {
    const { Passport } = t.load('passport');
    const passport = new Passport();
    passport.use(tokens(passport));
    const app = t.load('express')();
    app.use(passport.initialize());
    app.get('/', passport.authenticate('token', { session: false }), (incoming, response) => {
      response.json([incoming.user, incoming.isAuthenticated(), typeof incoming.logIn]);
    });
    app.use((error, _request, response, _next) => response.status(500).send(error.message));
    const port = await t.serve(app);
    for (const token of ['good', 'bad', 'error']) await t.send(port, lastRequest('GET /', { token }));
  },
  multer: async (t) => {
    const port = await t.serve(uploads(t));
    const file = 'name="files"; filename="a.txt"\r\nContent-Type: text/plain';
    await t.send(port, post('/', FORM, form('b', ['name="n"', '1'], [file, 'content'], [file, 'second'])));
    await t.send(port, post('/', FORM, form('b', [file, 'x'.repeat(2_000)])));
    await t.send(port, post('/', FORM, form('b', ['name="other"; filename="b"', 'x'])));
    await t.send(port, post('/', FORM, '--b\r\nContent-Disposition: form-data; name="n"\r\n\r\ncut'));
  },
  'multer: an upload that is aborted': async (t) => {
    const app = t.load('express')();
    const multer = t.load('multer');
    let ended;
    const failed = new Promise((resolve) => {
      ended = resolve;
    });
    app.post('/', multer({ storage: multer.memoryStorage() }).any());
    app.use((error, _request, _response, _next) => {
      t.log(error.code ?? '', error.message);
      ended();
    });
    const port = await t.serve(app);
    const socket = await t.open(port);
    const body = '--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nbegun';
    socket.write(request('POST /', { 'Content-Type': FORM, 'Content-Length': 1_000 }, body), () =>
      setImmediate(() => socket.destroy()),
    );
    await failed;
  },
  'opentelemetry: a span for each request': async (t) => {
    const { NodeTracerProvider } = t.load('@opentelemetry/sdk-trace-node');
    const { InMemorySpanExporter, SimpleSpanProcessor } = t.load('@opentelemetry/sdk-trace-base');
    const { HttpInstrumentation } = t.load('@opentelemetry/instrumentation-http');
    const { context, trace } = t.load('@opentelemetry/api');
    const exporter = new InMemorySpanExporter();
    const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    provider.register();
    const instrumentation = new HttpInstrumentation({ disableOutgoingRequestInstrumentation: true });
    instrumentation.setTracerProvider(provider);
    t.onEnd(() => {
      instrumentation.disable();
      context.disable();
      trace.disable();
    });
    // It wraps what is loaded from now on.
    t.load('node:http');
    const port = await t.serve((incoming, response) => {
      const span = trace.getActiveSpan();
      setImmediate(() => {
        response.statusCode = incoming.url === '/fails' ? 500 : 200;
        response.end(`${span !== undefined && trace.getActiveSpan() === span}`);
      });
    });
    await t.send(port, request('GET /first?x'), lastRequest('GET /fails'));
    for (const { name, kind, status, attributes } of exporter.getFinishedSpans()) {
      t.log(name, kind, status.code, Object.keys(attributes).sort(), attributes['http.response.status_code']);
    }
  },
  'http-proxy-middleware': async (t) => {
    const { createProxyMiddleware } = t.load('http-proxy-middleware');
    const target = await t.serve((incoming, response) => {
      t.log(incoming.url, incoming.headers['x-forwarded-for'] ?? 'not forwarded');
      response.writeHead(203, { 'X-A': 'b', 'Set-Cookie': ['a', 'b'] });
      incoming.pipe(response);
    });
    const app = t.load('express')();
    app.use('/to', createProxyMiddleware({ target: `http://127.0.0.1:${target}`, xfwd: true }));
    app.use('/dead', createProxyMiddleware({ target: 'http://127.0.0.1:1' }));
    const port = await t.serve(app);
    await t.send(port, lastRequest('GET /to/a?b=c'));
    await t.send(port, post('/to/a', 'text/plain', 'body'));
    const dead = await t.send(port, lastRequest('GET /dead'));
    t.log(dead.length > 0);
  },
  'http-proxy-middleware: an upgrade': async (t) => {
    const { createProxyMiddleware } = t.load('http-proxy-middleware');
    const { WebSocket, WebSocketServer } = t.load('ws');
    const backend = createServer();
    new WebSocketServer({ server: backend }).on('connection', (socket) =>
      socket.on('message', (data) => socket.send(`echo ${data}`)),
    );
    const target = await t.serve(backend);
    const proxy = createProxyMiddleware({ target: `http://127.0.0.1:${target}`, ws: true });
    const server = createServer(proxy);
    server.on('upgrade', proxy.upgrade);
    const port = await t.serve(server);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    await once(socket, 'open');
    socket.send('hello');
    t.log((await once(socket, 'message')).toString());
    socket.close();
    await once(socket, 'close');
  },
  'serve-static': async (t) => {
    const folder = new URL('../', import.meta.url).pathname;
    const serve = t.load('serve-static')(folder, { etag: false, lastModified: false, index: false });
    const port = await t.serve((incoming, response) =>
      serve(incoming, response, () => response.writeHead(404).end('none')),
    );
    await t.send(port, request('HEAD /context.js'), request('GET /scenarios'), lastRequest('GET /none'));
    await t.send(port, lastRequest('GET /context.js', { Range: 'bytes=0-9' }));
    await t.send(port, lastRequest('POST /context.js'));
  },
  send: async (t) => {
    const send = t.load('send');
    const root = new URL('../', import.meta.url).pathname;
    const port = await t.serve((incoming, response) => {
      const stream = send(incoming, incoming.url, { root, etag: false, lastModified: false });
      for (const event of ['error', 'directory', 'file', 'stream', 'end'])
        stream.on(event, () => t.log(`send '${event}'`));
      stream.on('error', (error) =>
        response.writeHead(error.status, { Connection: 'close' }).end(error.code ?? error.message),
      );
      stream.pipe(response);
    });
    await t.send(port, lastRequest('GET /context.js', { Range: 'bytes=0-20' }));
    await t.send(port, lastRequest('GET /none'));
    await t.send(port, lastRequest('GET /%00'));
  },
  'send: a client that leaves': async (t) => {
    const send = t.load('send');
    let left;
    const gone = new Promise((resolve) => {
      left = resolve;
    });
    const port = await t.serve((incoming, response) => {
      t.load('on-finished')(response, (error) => {
        t.log('finished', error?.code ?? 'without an error');
        left();
      });
      send(incoming, process.execPath).pipe(response);
    });
    const socket = await t.open(port);
    socket.write(request('GET /'));
    await once(socket, 'data');
    socket.destroy();
    await gone;
  },
  'on-finished': async (t) => {
    const onFinished = t.load('on-finished');
    const port = await t.serve((incoming, response) => {
      t.log(onFinished.isFinished(incoming), onFinished.isFinished(response));
      onFinished(incoming, (error) => t.log('the request', error ?? '', onFinished.isFinished(incoming)));
      onFinished(response, (error) => t.log('the response', error ?? '', onFinished.isFinished(response)));
      incoming.resume();
      setImmediate(() => response.end(incoming.url));
    });
    await t.send(port, request('GET /1'), request('GET /2'), request('POST /3', {}, 'body'), lastRequest('GET /4'));
  },
  'on-finished: a client that leaves': async (t) => {
    const onFinished = t.load('on-finished');
    let left;
    const gone = new Promise((resolve) => {
      left = resolve;
    });
    const port = await t.serve((incoming, response) => {
      onFinished(incoming, (error) => t.log('the request', error?.code ?? ''));
      onFinished(response, (error) => {
        t.log('the response', error?.code ?? '', incoming.aborted);
        setImmediate(left);
      });
      socket.destroy();
    });
    const socket = await t.open(port);
    socket.write(request('POST /', { 'Content-Length': 10 }, 'ab'));
    await gone;
  },
  'raw-body': async (t) => {
    const rawBody = t.load('raw-body');
    const port = await t.serve(async (incoming, response) => {
      const length = incoming.headers['content-length'];
      const body = await rawBody(incoming, { length, limit: 20, encoding: 'utf8' }).catch((error) => {
        t.log(error.type, error.status, error.message);
        return `failed: ${error.type}`;
      });
      response.end(body);
    });
    await t.send(port, request('POST /', {}, 'body'), lastRequest('POST /', {}, 'x'.repeat(30)));
    await t.send(port, lastRequest('POST /', { 'Transfer-Encoding': 'chunked' }, '2\r\nab\r\n0\r\n\r\n'));
  },
  'raw-body: a client that leaves': async (t) => {
    const rawBody = t.load('raw-body');
    let left;
    const gone = new Promise((resolve) => {
      left = resolve;
    });
    const port = await t.serve((incoming) => {
      rawBody(incoming, { length: 10 }, (error) => {
        t.log(error.type, error.code, error.received, error.message);
        left();
      });
      setImmediate(() => socket.destroy());
    });
    const socket = await t.open(port);
    socket.write(request('POST /', { 'Content-Length': 10 }, 'ab'));
    await gone;
  },
};

// The site of examples/conformance.js in Fastify, written as its documentation recommends. The first argument is a
// folder with `fastify` in its node_modules.
//   node fastify.js FOLDER PORT
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

const [, , folder, port] = process.argv;
const fastify = createRequire(join(folder, 'package.json'))('fastify');
const app = fastify({ bodyLimit: 64 * 1024 * 1024 });
const LETTERS = [...'abcdefghij'].map((letter) => letter.repeat(1000));

// Any content type, as bytes.
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
const bytesOf = ({ body }) => body ?? Buffer.alloc(0);

app.get('/hello', () => 'hello\n');
app.all('/echo', (request, reply) => reply.type('application/octet-stream').send(bytesOf(request)));
app.all('/inspect', ({ method, raw, body }) => {
  const pairs = raw.rawHeaders.map((_, i, all) => [all[i], all[i + 1]]).filter((_, i) => i % 2 === 0);
  const headers = pairs.map(([name, value]) => [name.toLowerCase(), value]);
  return { method, target: raw.url, headers, bodyLength: body?.length ?? 0 };
});
app.get('/stream', (_request, reply) => reply.type('text/plain').send(Readable.from(LETTERS)));
app.get('/slow', async ({ query }) => {
  await pause(Number(query.ms));
  return 'slow\n';
});
app.get('/bytes', ({ query }, reply) => reply.type('text/plain').send('x'.repeat(Number(query.n))));
app.post('/ignore', () => 'ignored\n');
app.get('/setheader', ({ raw }, reply) =>
  reply.header('X-Val', decodeURIComponent(raw.url.split('v=')[1])).send('set\n'),
);
app.all('/status/204', (_request, reply) => reply.code(204).send());
app.all('/status/304', (_request, reply) => reply.code(304).send());
app.all('/throw', () => {
  throw new Error('this route always throws');
});

const url = await app.listen({ port: Number(port), host: '127.0.0.1' });
console.log(`${url}/hello`);

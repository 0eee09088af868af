// The responses of the comparison with Fastify, whose path is the last argument.
//   node fastify.js PORT FOLDER FASTIFY

import { createRequire } from 'node:module';
import { burn, sleep } from './work.ts';

interface FastifyRequest {
  readonly url: string;
}

interface Fastify {
  get(path: string, handler: (request: FastifyRequest) => string | Promise<string>): void;
  listen(place: { readonly port: number; readonly host: string; readonly backlog: number }): Promise<string>;
}

const [port, , path = 'fastify'] = process.argv.slice(2);
const fastify: (options: { readonly keepAliveTimeout: number }) => Fastify = createRequire(import.meta.url)(path);

const app = fastify({ keepAliveTimeout: 3_600_000 });
app.get('/text', ({ url }) => url.slice(url.indexOf('?') + 1));
app.get('/sleep', () => sleep().then(() => 'slept\n'));
app.get('/burn', burn);
process.stdout.write(`${await app.listen({ port: Number(port), host: '127.0.0.1', backlog: 4_096 })}\n`);

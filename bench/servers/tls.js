// The servers of bench/tls.js that run in Node.js: node tls.js NAME FOLDER [PACKAGES]. FOLDER has the certificate, its key
// and the file; PACKAGES is where uWebSockets.js is installed. Each has a text at /text and the file at /mib.bin.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { tuneCompiler } from '../../build/modules/server/compiler.js';
import { precompileFields, serve } from '../../dist/index.js';
import { staticFiles } from '../../dist/static.js';
import { announce } from './control.js';

const TEXT = 'Hello\n';
const HOUR_MS = 3_600_000;
const [name, folder, packages] = process.argv.slice(2);
const file = (each) => join(folder, each);

async function own() {
  tuneCompiler();
  const plain = precompileFields({ 'Content-Type': 'text/plain' });
  const files = await staticFiles(join(folder, 'public'));
  const server = await serve({
    port: 0,
    tls: { cert: file('cert.pem'), key: file('key.pem') },
    timeouts: { keepAliveMs: HOUR_MS },
    handler: (request, response) =>
      request.path === '/text' ? response.send(200, plain, TEXT) : files(request, response),
  });
  announce(server.port);
}

function nodeHttps() {
  const mib = readFileSync(file('public/mib.bin'));
  const server = createServer(
    { cert: readFileSync(file('cert.pem')), key: readFileSync(file('key.pem')) },
    (request, response) => {
      const content = request.url.startsWith('/text') ? TEXT : mib;
      response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': content.length });
      response.end(content);
    },
  );
  server.keepAliveTimeout = HOUR_MS;
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => announce(server.address().port));
}

function uws() {
  const { SSLApp, us_socket_local_port } = createRequire(join(packages, 'package.json'))('uwebsockets');
  const mib = readFileSync(file('public/mib.bin'));
  const send = (content) => (response) => {
    response.onAborted(() => {});
    response.writeHeader('Content-Type', 'text/plain').end(content);
  };
  SSLApp({ cert_file_name: file('cert.pem'), key_file_name: file('key.pem') })
    .get('/text', send(TEXT))
    .get('/mib.bin', send(mib))
    .listen('127.0.0.1', 0, (socket) => announce(us_socket_local_port(socket)));
}

await { 'epoll-server': own, 'node:https': nodeHttps, 'uWebSockets.js': uws }[name]();

// The site of examples/conformance.js in uWebSockets.js. The first argument is a folder with `uwebsockets` in its
// node_modules.
//   node uwebsockets.cjs FOLDER PORT
const { createRequire } = require('node:module');
const { join } = require('node:path');

const [, , folder, port] = process.argv;
const uws = createRequire(join(folder, 'package.json'))('uwebsockets');

const LETTERS = [...'abcdefghij'].map((letter) => letter.repeat(1000));

/** Reads the content as its documentation shows. */
function read(response, done) {
  const pieces = [];
  response.onAborted(() => {
    response.isGone = true;
  });
  response.onData((piece, isLast) => {
    pieces.push(Buffer.from(Buffer.from(piece)));
    if (isLast && !response.isGone) response.cork(() => done(Buffer.concat(pieces)));
  });
}

const app = uws.App();
app.get('/hello', (response) => response.end('hello\n'));
app.any('/echo', (response) => read(response, (content) => response.end(content)));
app.any('/inspect', (response, request) => {
  const headers = [];
  request.forEach((name, value) => {
    headers.push([name, value]);
  });
  const query = request.getQuery();
  const target = request.getUrl() + (query ? `?${query}` : '');
  const method = request.getMethod().toUpperCase();
  read(response, ({ length: bodyLength }) => response.end(JSON.stringify({ method, target, headers, bodyLength })));
});
app.get('/stream', (response) => {
  for (const piece of LETTERS) response.write(piece);
  response.end();
});
app.get('/slow', (response, request) => {
  response.onAborted(() => {
    response.isGone = true;
  });
  setTimeout(
    () => {
      if (!response.isGone) response.cork(() => response.end('slow\n'));
    },
    Number(request.getQuery('ms')),
  );
});
app.get('/bytes', (response, request) => response.end('x'.repeat(Number(request.getQuery('n')))));
app.post('/ignore', (response) => response.end('ignored\n'));
app.get('/setheader', (response, request) => {
  response.writeHeader('X-Val', decodeURIComponent(request.getQuery().split('v=')[1]));
  response.end('set\n');
});
app.any('/status/204', (response) => response.writeStatus('204 No Content').endWithoutBody());
app.any('/status/304', (response) => response.writeStatus('304 Not Modified').endWithoutBody());
app.any('/throw', (response) => response.writeStatus('500 Internal Server Error').end('failed'));
app.any('/*', (response) => response.writeStatus('404 Not Found').end('no such page\n'));
app.listen('127.0.0.1', Number(port), (socket) => {
  console.log(socket ? `http://127.0.0.1:${uws.us_socket_local_port(socket)}/hello` : 'no port');
});

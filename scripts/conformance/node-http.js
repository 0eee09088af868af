// The site of examples/conformance.js in node:http, with a fixed page.
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

const LETTERS = [...'abcdefghij'].map((letter) => letter.repeat(1000));

async function read(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

function pairs(raw) {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i].toLowerCase(), raw[2 * i + 1]]);
}

const ROUTES = {
  '/hello': (_request, response) => response.end('hello\n'),
  '/echo': async (request, response) => response.end(await read(request)),
  '/inspect': async (request, response) => {
    const { length: bodyLength } = await read(request);
    const { method, url: target, rawHeaders, rawTrailers } = request;
    response.end(
      JSON.stringify({ method, target, headers: pairs(rawHeaders), bodyLength, trailers: pairs(rawTrailers) }),
    );
  },
  '/stream': async (_request, response) => {
    for (const piece of LETTERS) {
      response.write(piece);
      await null;
    }
    response.end();
  },
  '/slow': async (request, response) => {
    await pause(Number(new URL(request.url, 'http://a').searchParams.get('ms')));
    response.end('slow\n');
  },
  '/bytes': (request, response) => {
    const content = Buffer.alloc(Number(new URL(request.url, 'http://a').searchParams.get('n')), 'x');
    response.setHeader('Content-Length', content.length);
    response.end(content);
  },
  '/ignore': (_request, response) => response.end('ignored\n'),
  '/setheader': (request, response) => {
    response.setHeader('X-Val', decodeURIComponent(/[?&]v=([^&]*)/.exec(request.url)?.[1] ?? ''));
    response.end('set\n');
  },
  '/status/204': (_request, response) => response.writeHead(204).end(),
  '/status/304': (_request, response) => response.writeHead(304).end(),
  '/throw': () => {
    throw new Error('this route always throws');
  },
};

/** As in frameworks: an error of a route is a 500. */
async function respond(request, response) {
  try {
    const path = request.url.replace(/^https?:\/\/[^/?]*/i, '').replace(/\?.*/s, '');
    const route = Object.hasOwn(ROUTES, path) ? ROUTES[path] : ROUTES['/hello'];
    await route(request, response);
  } catch {
    if (!response.headersSent) response.writeHead(500);
    response.end();
  }
}

const server = createServer(respond).listen(Number(process.argv[2]), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/hello`);
});

// Three servers in one process: a folder, a WSGI-style application, and a raw handler.
//   node examples/server.js

import { precompileFields, serve } from 'epoll-server';
import { application } from './hello-wsgi.js';

const files = await serve({ port: 0, static: new URL('../html', import.meta.url).pathname });
const app = await serve({ port: 0, wsgi: application });
const web = await serve({ port: 0, fetch: (request) => Response.json({ url: request.url }) });

// The raw handler, on which the adapters are built. It needs no promise for a synchronous response.
const PLAIN = precompileFields({ 'Content-Type': 'text/plain; charset=utf-8' });
const raw = await serve({
  port: 0,
  handler: (request, response) => response.send(200, PLAIN, `You asked for ${request.path}\n`),
});
console.log(files.url.href, app.url.href, web.url.href, raw.url.href);

// One page for every path, at the lowest cost: precompiled fields, a prepared buffer, and the raw handler, which
// creates no Request, no Response and no promise.
//   node examples/fixed-page.js [PORT]

import { precompileFields, serve } from 'epoll-server';

const PAGE = Buffer.from('<!doctype html>\n<title>Fixed</title>\n<p>This page never changes.</p>\n');
const HTML = precompileFields({ 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'max-age=60' });

const server = await serve({
  port: Number(process.argv[2] ?? 9000),
  handler: (_request, response) => response.send(200, HTML, PAGE),
});
console.log(server.url.href);

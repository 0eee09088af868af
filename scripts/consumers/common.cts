// A CommonJS consumer: Node.js 20.19 can require ES modules.

import { type Server, serve } from 'epoll-server';

export const server: Promise<Server> = serve({ port: 0, fetch: (request) => new Response(request.url) });

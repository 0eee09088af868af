// Serves an application that reads its request's body and answers with the length: `bodies.mjs ADAPTER`, where the
// path says how it reads.
import { fileURLToPath } from 'node:url';
import { serve, wsgi } from '../../../dist/index.js';
import { application, lengthOf } from './reading-application.mjs';

const options = {
  raw: { handler: async ({ path, body }, response) => response.send(200, {}, String(await lengthOf(path, body))) },
  wsgi: { handler: wsgi(application) },
  fetch: {
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/bytes') return new Response(String((await request.arrayBuffer()).byteLength));
      if (pathname === '/text') return new Response(String((await request.text()).length));
      return new Response(String(await lengthOf(pathname, request.body)));
    },
  },
  offload: { app: fileURLToPath(new URL('./reading-application.mjs', import.meta.url)), offload: 1 },
};

const server = await serve({ port: 0, ...options[process.argv[2]] });
process.stdout.write(`bodies-server: ${server.url}\n`);

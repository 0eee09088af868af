// Serves an application that reads its request body and sends its length: `bodies.mjs ADAPTER`. The path selects how it
// reads.
import { fileURLToPath } from 'node:url';
import { loadApplication, serve } from '../../../dist/index.js';
import { application, lengthOf } from './reading-application.mjs';

const MODULE = fileURLToPath(new URL('./reading-application.mjs', import.meta.url));

const options = {
  raw: () => ({
    handler: async ({ path, body }, response) => response.send(200, {}, String(await lengthOf(path, body))),
  }),
  wsgi: () => ({ wsgi: application }),
  fetch: () => ({
    overrideGlobals: true,
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/bytes') return new Response(String((await request.arrayBuffer()).byteLength));
      if (pathname === '/text') return new Response(String((await request.text()).length));
      return new Response(String(await lengthOf(pathname, request.body)));
    },
  }),
  offload: async () => ({ handler: await loadApplication(MODULE, { threads: 1 }) }),
};

const server = await serve({ port: 0, ...(await options[process.argv[2]]()) });
process.stdout.write(`bodies-server: ${server.url}\n`);

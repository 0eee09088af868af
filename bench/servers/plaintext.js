// Echoes the query with the raw handler. No Server field, as node:http sends none.

import { tuneCompiler } from '../../build/modules/server/compiler.js';
import { precompileFields, serve } from '../../dist/index.js';
import { announce } from './control.js';

tuneCompiler();
const PLAIN = precompileFields({ 'Content-Type': 'text/plain; charset=utf-8' });
const server = await serve({
  port: 0,
  serverHeader: '',
  timeouts: { keepAliveMs: 3_600_000 },
  handler: (request, response) => {
    response.send(200, PLAIN, request.query);
  },
});
announce(server.port, () => server.stats());

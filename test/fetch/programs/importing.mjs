// Imports the built package, serves a file to itself, and prints when Node's modules for fetch were loaded.

import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';

const isLoaded = () => process.moduleLoadList.some((name) => /undici/.test(name));

const { serve } = await import('../../../dist/index.js');
const { Response } = await import('../../../dist/fetch.js');
const afterImport = isLoaded();
const server = await serve({ port: 0, static: fileURLToPath(new URL('.', import.meta.url)) });
const client = connect(server.port, '127.0.0.1');
client.write('GET /importing.mjs HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
let answer = '';
client.on('data', (bytes) => {
  answer += bytes;
});
await once(client, 'end');
await server.close();
const afterServing = isLoaded();
// A global that the application replaced meanwhile is neither mistaken for Node's class nor undone.
class Other {}
const { Headers: NodeHeaders } = globalThis;
globalThis.Headers = Other;
const made = new Response('x');
process.stdout.write(
  JSON.stringify({
    afterImport,
    afterServing,
    status: answer.slice(9, 12),
    isGlobal: made instanceof globalThis.Response,
    isOurs: new globalThis.Response('x') instanceof Response,
    isNodes: made.headers instanceof NodeHeaders,
    isKept: globalThis.Headers === Other,
  }),
);

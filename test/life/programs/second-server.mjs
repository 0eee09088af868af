// Runs in a worker thread: a server of its own, whose port is posted to the parent. `/exit` ends the thread.
import { parentPort } from 'node:worker_threads';
import { serve } from '../../../dist/index.js';

const server = await serve({
  port: 0,
  handler: (request, response) => {
    if (request.path === '/exit') process.exit(7);
    response.send(200, {}, 'worker');
  },
});
parentPort.postMessage(server.port);

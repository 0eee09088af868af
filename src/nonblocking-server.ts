#!/usr/bin/env node

// Non-blocking: tries every descriptor in turn, without waiting.
//
// How it works: the reactor of the epoll model over a back end that never waits and reports every descriptor as ready.
// Each turn calls recv(2) for each client and accept(2) for the listener; EAGAIN means that there is nothing yet.
//
// Good for: showing the purpose of readiness, and for the shortest delay where a busy core is acceptable. Where it
// breaks: at once. It uses a whole core without any client. With 64 busy clients a request costs 17 to 50 calls of recv
// instead of one (measured).
//
//   node dist/nonblocking-server.js [PORT] [FOLDER | MODULE:NAME]

import { serveAdministered } from './admin/administered-server.ts';
import { main } from './cli/program.ts';

void main(process.argv.slice(2), {
  name: 'nonblocking',
  backend: 'scan',
  start: (setup) => serveAdministered(setup, { backend: 'scan' }),
});

#!/usr/bin/env node
// Non-blocking: asks everybody in turn, all the time.
//
// How it works: the reactor of the epoll model over a back end that never waits and knows nothing: every descriptor may
// be ready. So each turn calls recv(2) for each client and accept(2) for the listener, and EAGAIN means: the next one.
//
// Good for: showing what readiness is for; and where a core may burn for the shortest delay. Where it breaks: at once.
// It takes a whole core with no client at all, and with 64 busy ones a request costs 17 to 50 calls of recv instead of
// one (measured).
//
//   node dist/nonblocking-server.js [PORT] [FOLDER | MODULE:NAME]

import { main } from './cli/program.ts';
import { serveReactor } from './server/server.ts';

void main(process.argv.slice(2), {
  name: 'nonblocking',
  backend: 'scan',
  start: (setup) => serveReactor(setup, { backend: 'scan' }),
});

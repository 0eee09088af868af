#!/usr/bin/env node

// Poll: poll(2) reports which of all given descriptors are ready.
//
// How it works: the reactor of the epoll model over another back end. On every wait the whole list of clients is copied
// into the kernel, scanned there, and scanned again here. It is level-triggered: a descriptor is reported as long as it
// is ready. So a reported descriptor is left out until the server has handled it.
//
// Good for: a few hundred clients on any Unix; unlike select it has no highest descriptor. Where it breaks: gradually.
// With 1,000 silent clients a request costs 24 us of CPU time instead of 10, with 10,000 it costs 160 (measured with 64
// busy clients on a shared machine).
//
//   node dist/poll-server.js [PORT] [FOLDER | MODULE:NAME]

import { serveAdministered } from './admin/administered-server.ts';
import { main } from './cli/program.ts';

void main(process.argv.slice(2), {
  name: 'poll',
  backend: 'poll',
  start: (setup) => serveAdministered(setup, { backend: 'poll' }),
});

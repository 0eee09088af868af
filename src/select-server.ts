#!/usr/bin/env node

// Select: select(2) reports which of all given descriptors are ready.
//
// How it works: the reactor of the epoll model over another back end. Each wait uses three sets of bits, with one bit
// for each descriptor up to the highest. They are written, copied into the kernel, searched there, copied out and
// searched again. A wait costs as much as there are clients, busy or not.
//
// Good for: programs that must run everywhere; it exists since 4.2BSD (1983). Where it breaks: at descriptor 1024
// (FD_SETSIZE), so at about a thousand clients. The next client gets 503 and is closed. Before that it gets slow: with
// 900 silent clients a request costs 29 us of CPU time instead of 10. (Measured, as all numbers here, with 64 busy
// clients on a shared machine.)
//
//   node dist/select-server.js [PORT] [FOLDER | MODULE:NAME]

import { serveAdministered } from './admin/administered-server.ts';
import { main } from './cli/program.ts';

void main(process.argv.slice(2), {
  name: 'select',
  backend: 'select',
  start: (setup) => serveAdministered(setup, { backend: 'select' }),
});

#!/usr/bin/env node
// The program: one thread, edge-triggered readiness, every client in turn.
//   node dist/epoll-server.js [PORT] [FOLDER | MODULE:NAME]

import { main } from './cli/program.ts';

await main(process.argv.slice(2));

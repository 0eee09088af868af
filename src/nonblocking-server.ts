#!/usr/bin/env node
// HEAD
//
//   node dist/nonblocking-server.js [PORT] [FOLDER | MODULE:NAME]

import { main } from './cli/program.ts';
import { serve } from './server/server.ts';

await main(process.argv.slice(2), {
  name: 'nonblocking',
  backend: 'scan',
  start: (options) => serve({ ...options, backend: 'scan' }),
});

#!/usr/bin/env node
// HEAD
//
//   node dist/select-server.js [PORT] [FOLDER | MODULE:NAME]

import { main } from './cli/program.ts';
import { serve } from './server/server.ts';

await main(process.argv.slice(2), {
  name: 'select',
  backend: 'select',
  start: (options) => serve({ ...options, backend: 'select' }),
});

// Serves the folder it is given; answers each line of its standard input with its counters.
import { createInterface } from 'node:readline';
import { serve } from '../../../dist/index.js';

const server = await serve({ port: 0, root: process.argv[2] });
process.stdout.write(`port ${server.address.port}\n`);
createInterface({ input: process.stdin }).on('line', (line) => {
  process.stdout.write(`${line} ${JSON.stringify(server.stats())}\n`);
});

// Serves a folder. For each line of standard input it prints its counters, memory and processor time.
import { createInterface } from 'node:readline';
import { serve } from '../../../dist/index.js';

const server = await serve({ port: 0, static: process.argv[2] });
process.stdout.write(`port ${server.port}\n`);
createInterface({ input: process.stdin }).on('line', (line) => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const used = { maxRssKib: maxRSS, cpuMs: (userCPUTime + systemCPUTime) / 1_000 };
  process.stdout.write(`${line} ${JSON.stringify({ ...server.stats(), ...used })}\n`);
});

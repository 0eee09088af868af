// What a measured server answers on its standard input: `stats`, and `gc` (with --expose-gc).

import { createInterface } from 'node:readline';

export function announce(port, stats = () => ({})) {
  process.stdout.write(`PORT ${port}\n`);
  const lines = createInterface({ input: process.stdin });
  lines.on('line', async (line) => {
    if (line === 'gc') await collect();
    const answer = line === 'gc' ? process.memoryUsage() : stats();
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
  lines.on('close', () => process.exit(0));
}

/** Some of what is free is found free only by the second collection. */
async function collect() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

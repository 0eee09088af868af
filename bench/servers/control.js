// The commands of a measured server on its standard input: `stats`, and `gc` (with --expose-gc).

import { createInterface } from 'node:readline';

export function announce(port, stats = () => ({})) {
  process.stdout.write(`PORT ${port}\n`);
  const lines = createInterface({ input: process.stdin });
  lines.on('line', async (line) => {
    if (line === 'gc') await collect();
    const response = line === 'gc' ? process.memoryUsage() : stats();
    process.stdout.write(`${JSON.stringify(response)}\n`);
  });
  lines.on('close', () => process.exit(0));
}

/** The second collection frees objects that the first one only found unreachable. */
async function collect() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// Asks the server at a port once every 100 ms until its standard input ends, and prints what came and how long the
// slowest answer took.
import { ask } from './clients.js';
import { pause } from './target.js';

const port = Number(process.argv[2]);
const outcomes = {};
let slowestMs = 0;
let isOver = false;
process.stdin.on('end', () => {
  isOver = true;
});
process.stdin.resume();

while (!isOver) {
  const begin = performance.now();
  const outcome = await ask(port, 'small.txt', 5_000);
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  slowestMs = Math.max(slowestMs, performance.now() - begin);
  await pause(100);
}
process.stdout.write(JSON.stringify({ outcomes, slowestMs: Math.round(slowestMs) }));
process.exit(0);

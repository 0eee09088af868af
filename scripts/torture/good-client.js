// Sends requests to a port with a pause in between until its standard input ends. Prints the outcomes, the time of the
// slowest response, and the p99.
import { requestOnce } from './clients.js';
import { pause } from './target.js';

const [port, pauseMs] = process.argv.slice(2).map(Number);
const outcomes = {};
const waitedMs = [];
let isOver = false;
process.stdin.on('end', () => {
  isOver = true;
});
process.stdin.resume();

while (!isOver) {
  const begin = performance.now();
  const outcome = await requestOnce(port, 'small.txt', 5_000);
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  waitedMs.push(performance.now() - begin);
  await pause(pauseMs);
}
waitedMs.sort((a, b) => a - b);
const p99Ms = Math.round(waitedMs[Math.floor(waitedMs.length * 0.99)]);
process.stdout.write(JSON.stringify({ outcomes, p99Ms, slowestMs: Math.round(waitedMs.at(-1)) }));
process.exit(0);

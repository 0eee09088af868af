// Sends bodies of one-byte chunks to every body reader of every adapter. Measures the growth of resident memory and the
// p99 of another client's requests, and compares both with their limits.
//   node bench/tiny-chunks.js [--chunks N] [--adapter raw|wsgi|fetch] [--reader NAME] [--offload]
import { parseArgs } from 'node:util';
import { READER_NAMES } from '../scripts/torture/reading.js';
import { memoryBound, sendTinyChunks } from '../scripts/torture/tiny-chunks.js';

const MIB = 2 ** 20;
const MAX_P99_MS = 50;
const OFFLOAD = ['--offload', '1'];

function readCommandLine() {
  try {
    return parseArgs({
      options: {
        chunks: { type: 'string', default: '20000000' },
        adapter: { type: 'string' },
        reader: { type: 'string' },
        offload: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`${error.message.split('. ')[0]}\n`);
    process.exit(2);
  }
}

const values = readCommandLine();
const count = Number(values.chunks);
if (!Number.isSafeInteger(count) || count < 1) {
  process.stderr.write(`--chunks must be a whole number from 1, not "${values.chunks}"\n`);
  process.exit(2);
}

const cases = Object.entries(READER_NAMES)
  .filter(([adapter]) => values.adapter === undefined || adapter === values.adapter)
  .flatMap(([adapter, readers]) => readers.map((reader) => ({ adapter, reader })))
  .filter(({ reader }) => values.reader === undefined || reader === values.reader)
  .flatMap((each) => [...(values.offload ? [] : [{ ...each, flags: [] }]), { ...each, flags: OFFLOAD }]);

let failed = 0;
const mib = (bytes) => (bytes / MIB).toFixed(1);
process.stdout.write(`${count} chunks of one byte; limits: resident memory grows by ${mib(memoryBound(count))} MiB, `);
process.stdout.write(`p99 ${MAX_P99_MS} ms\n`);
for (const each of cases) {
  const { isRight, isWithin, counted, grownBytes, seconds, p99Ms, slowestMs } = await sendTinyChunks({
    ...each,
    count,
  });
  const isGood = isRight && isWithin && p99Ms < MAX_P99_MS;
  if (!isGood) failed++;
  const name = `${each.adapter} ${each.reader}${each.flags.length > 0 ? ' in a thread' : ''}`;
  const wrong = counted === count ? '' : `, counted ${counted}`;
  process.stdout.write(
    `${isGood ? 'met   ' : 'missed'} ${name}: ${mib(grownBytes)} MiB, p99 ${p99Ms} ms, slowest ${slowestMs} ms, ` +
      `${seconds.toFixed(1)} s${wrong}\n`,
  );
}
process.exit(failed === 0 ? 0 : 1);

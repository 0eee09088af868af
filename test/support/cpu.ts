// Processor time of this process, compared for inputs of different sizes: a ratio does not depend on the machine.

/** Inputs of the larger run are so many times as large. Linear work takes 8 times as long, quadratic work 64 times. */
const GROWTH = 8;

/** The least of several runs is the one that other programs disturbed least. */
const RUNS = 5;

/** The smaller run is repeated until it takes so long, in microseconds: far above the clock's resolution. */
const MIN_SAMPLE_US = 2_000;

/** How many times the processor time of `work(size / 8)` a `work(size)` takes. */
export async function cpuRatio(work: (size: number) => unknown, size: number): Promise<number> {
  const small = Math.floor(size / GROWTH);
  await work(small);
  await work(size);
  let repeats = 1;
  while ((await cpuTimeUs(work, small, repeats)) < MIN_SAMPLE_US) repeats *= 2;
  let [ofSmall, ofLarge] = [Infinity, Infinity];
  for (let run = 0; run < RUNS; run++) {
    ofSmall = Math.min(ofSmall, (await cpuTimeUs(work, small, repeats)) / repeats);
    ofLarge = Math.min(ofLarge, await cpuTimeUs(work, size, 1));
  }
  return ofLarge / ofSmall;
}

async function cpuTimeUs(work: (size: number) => unknown, size: number, repeats: number): Promise<number> {
  const begin = process.cpuUsage();
  for (let i = 0; i < repeats; i++) await work(size);
  const { user, system } = process.cpuUsage(begin);
  return user + system;
}

// The work of the servers for a response: wait, or compute the same number of steps. The comparison measures once how
// many steps take 5 ms.

export const SLEEP_MS = 10;
export const BURN_MS = 5;

let kept = 1;

/** A computation that compilers cannot remove. */
export function compute(steps: number): number {
  let value = kept;
  for (let i = 0; i < steps; i++) value = (Math.imul(value, 1_103_515_245) + 12_345) | 0;
  kept = value;
  return value;
}

/** Computes as many steps as the comparison set in the environment. */
export function burn(): string {
  return `${compute(Number(process.env['EPOLL_SERVER_COMPARE_BURN_STEPS'] ?? 0))}\n`;
}

export function sleep(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SLEEP_MS));
}

/** Steps of {@link compute} in {@link BURN_MS} of this processor's time. */
export function countBurnSteps(): number {
  const steps = 200_000;
  // V8 compiles the function first.
  for (let i = 0; i < 20; i++) compute(steps);
  const begin = process.cpuUsage();
  for (let i = 0; i < 100; i++) compute(steps);
  const { user } = process.cpuUsage(begin);
  return Math.max(1, Math.round((steps * 100 * BURN_MS * 1_000) / Math.max(user, 1)));
}

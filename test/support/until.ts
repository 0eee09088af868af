// Waits for conditions instead of durations.

/** The time after which a test counts as hanging, even on a slow machine. */
const PATIENCE_MS = 100_000;

/** A condition is tested again after an eighth of the time that has passed: a long wait needs few tests. */
const MIN_STEP_MS = 2;
const MAX_STEP_MS = 25;
const STEP_PART = 1 / 8;

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Polls `condition`; returns whether it became true. */
export async function settled(
  condition: () => boolean | Promise<boolean>,
  patienceMs: number = PATIENCE_MS,
): Promise<boolean> {
  const startMs = performance.now();
  while (!(await condition())) {
    const waitedMs = performance.now() - startMs;
    if (waitedMs > patienceMs) return false;
    await pause(Math.min(Math.max(waitedMs * STEP_PART, MIN_STEP_MS), MAX_STEP_MS));
  }
  return true;
}

/** Waits until `condition` is true. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  if (!(await settled(condition))) throw new Error(`waited in vain until ${what}`);
}

/** A promise and the function that resolves it. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

/** A gate that a handler waits for and the test opens. */
export function gate(): Gate {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

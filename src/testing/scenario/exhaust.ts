// Injects faults at every possible place of a small run, one after the other: random runs would reach some only by
// luck.

import { type FaultName, FaultSource } from '../fault-source.ts';
import { Random } from '../random.ts';
import { play, type RunReport } from './play.ts';
import type { RunSettings } from './settings.ts';

/** Injects faults at the checks with these numbers only, counted over all faults. */
class PlannedFaults extends FaultSource {
  readonly #strikesAt: readonly number[];
  readonly #random: Random;
  /** The number of checks so far. */
  checks = 0;

  constructor(strikesAt: readonly number[], seed: number) {
    super({}, new Random(seed));
    this.#strikesAt = strikesAt;
    this.#random = new Random(seed);
  }

  override strikes(name: FaultName): boolean {
    if (!this.#strikesAt.includes(this.checks++)) return false;
    this.note(name);
    return true;
  }

  override draw(): Random {
    return this.#random;
  }
}

/** A run with faults at chosen places. */
export interface PlannedRun {
  /** The numbers of the checks, in the order of the run, at which a fault was injected. */
  readonly faultsAt: readonly number[];
  /** The result of the run. */
  readonly report: RunReport;
}

/** Runs `settings` with every choice of at most `maxFaults` places, beginning with none. */
export async function* everyFault(settings: RunSettings, maxFaults: number): AsyncGenerator<PlannedRun, void, void> {
  yield* withMore(settings, [], maxFaults);
}

async function* withMore(
  settings: RunSettings,
  faultsAt: readonly number[],
  more: number,
): AsyncGenerator<PlannedRun, void, void> {
  const faults = new PlannedFaults(faultsAt, settings.seed);
  yield { faultsAt, report: await play(settings, undefined, faults) };
  if (more === 0) return;
  // Later checks depend on the last fault.
  for (let next = (faultsAt.at(-1) ?? -1) + 1; next < faults.checks; next++) {
    yield* withMore(settings, [...faultsAt, next], more - 1);
  }
}

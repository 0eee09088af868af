// Every place of a small run where something can go wrong, one after the other: what random runs need luck for.

import { Dials, type FaultName } from '../dials.ts';
import { Random } from '../random.ts';
import { play, type RunReport } from './play.ts';
import type { RunSettings } from './settings.ts';

/** Strikes at the questions of these numbers, counted over all dials, and nowhere else. */
class PlannedDials extends Dials {
  readonly #strikesAt: readonly number[];
  readonly #random: Random;
  /** Questions so far. */
  asked = 0;

  constructor(strikesAt: readonly number[], seed: number) {
    super({}, new Random(seed));
    this.#strikesAt = strikesAt;
    this.#random = new Random(seed);
  }

  override strikes(name: FaultName): boolean {
    if (!this.#strikesAt.includes(this.asked++)) return false;
    this.note(name);
    return true;
  }

  override draw(): Random {
    return this.#random;
  }
}

/** A run with faults at chosen places. */
export interface PlannedRun {
  /** The questions, in the order of the run, at which a fault happened. */
  readonly faultsAt: readonly number[];
  readonly report: RunReport;
}

/** Plays `settings` with every choice of at most `maxFaults` places, beginning with none. */
export async function* everyFault(settings: RunSettings, maxFaults: number): AsyncGenerator<PlannedRun, void, void> {
  yield* withMore(settings, [], maxFaults);
}

async function* withMore(
  settings: RunSettings,
  faultsAt: readonly number[],
  more: number,
): AsyncGenerator<PlannedRun, void, void> {
  const dials = new PlannedDials(faultsAt, settings.seed);
  yield { faultsAt, report: await play(settings, undefined, dials) };
  if (more === 0) return;
  // What comes behind the last fault depends on it.
  for (let next = (faultsAt.at(-1) ?? -1) + 1; next < dials.asked; next++) {
    yield* withMore(settings, [...faultsAt, next], more - 1);
  }
}

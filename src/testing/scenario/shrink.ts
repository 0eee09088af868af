// Reduces a failing run while the same rule is broken: fewer clients, fewer faults, fewer and smaller requests, default
// machine.

import { FAULT_NAMES } from '../fault-source.ts';
import { MACHINE_DEFAULTS } from '../machine-options.ts';
import type { CheckerName } from './failure.ts';
import { play } from './play.ts';
import type { PlannedClient, RunSettings } from './settings.ts';

/** Smaller runs than `settings`, the largest reductions first. */
function* candidates(settings: RunSettings): Generator<RunSettings, void, void> {
  yield* fewerGuests(settings);
  for (const name of FAULT_NAMES) {
    if (settings.faults[name] === undefined) continue;
    const { [name]: _, ...faults } = settings.faults;
    yield { ...settings, faults };
  }
  const { maxRequests, requests, machine } = settings;
  if (maxRequests > 1) yield { ...settings, maxRequests: maxRequests >> 1 };
  const { maxContentBytes, maxHandlerMs } = requests;
  if (maxContentBytes > 16) yield { ...settings, requests: { ...requests, maxContentBytes: maxContentBytes >> 1 } };
  if (maxHandlerMs > 1) yield { ...settings, requests: { ...requests, maxHandlerMs: maxHandlerMs >> 1 } };
  for (const size of [
    'receiveBytes',
    'outputBytes',
    'sendCapacity',
    'receiveCapacity',
    'eventCapacity',
    'sendOpCapacity',
  ] as const) {
    if (machine[size] !== MACHINE_DEFAULTS[size]) {
      yield { ...settings, machine: { ...machine, [size]: MACHINE_DEFAULTS[size] } };
    }
  }
}

/** Removes blocks of clients: halves first, single ones at last (Zeller's ddmin). */
function* fewerGuests(settings: RunSettings): Generator<RunSettings, void, void> {
  const { guests } = settings;
  for (let size = guests.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < guests.length; at += size) {
      const rest: readonly PlannedClient[] = [...guests.slice(0, at), ...guests.slice(at + size)];
      if (rest.length > 0) yield { ...settings, guests: rest };
    }
  }
}

/** Finds a smallest run that breaks the same rule as `settings`. `onStep` is called after every reduction. */
export async function shrink(
  settings: RunSettings,
  checker: CheckerName,
  onStep: (smaller: RunSettings) => void = () => {},
): Promise<RunSettings> {
  let smallest = settings;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of candidates(smallest)) {
      const { failure } = await play(candidate);
      if (failure?.checker !== checker) continue;
      smallest = candidate;
      isSmaller = true;
      onStep(smallest);
      break;
    }
  }
  return smallest;
}

// Remembers prepared fields by their text, so that an application which gives the same pairs with every answer
// pays for their checks once: without this, WSGI takes 26 % more instructions for mixed clients. It must not know where
// the pairs come from.

import { type PrecompiledFields, precompileFields } from './fields.ts';

type Pairs = readonly (readonly [string, string])[];

/** Makes what is remembered. */
type Prepare = (pairs: Pairs) => PrecompiledFields;

interface Entry {
  readonly pairs: Pairs;
  readonly prepared: PrecompiledFields;
}

/** A power of two. Applications have a handful of heads; what differs each time replaces itself. */
const SLOTS = 64;

/** Longer lists and values (cookies, policies) are prepared afresh: 64 entries stay below 128 KiB. */
const MAX_PAIRS = 16;
const MAX_CHARACTERS = 1_024;

export class FieldCache {
  readonly #entries: (Entry | undefined)[] = new Array<Entry | undefined>(SLOTS).fill(undefined);
  readonly #prepare: Prepare;

  constructor(prepare: Prepare = precompileFields) {
    this.#prepare = prepare;
  }

  /**
   * As the function that it was made with. The slot is found by lengths alone, which costs no pass over the text, and proved by
   * comparing the text, which for an application's literals compares pointers.
   * @throws TypeError that names the field and the rule it breaks.
   */
  prepare(pairs: Pairs): PrecompiledFields {
    const slot = slotOf(pairs);
    if (slot < 0) return this.#prepare(pairs);
    const entry = this.#entries[slot];
    if (entry !== undefined && isSame(entry.pairs, pairs)) return entry.prepared;
    const prepared = this.#prepare(pairs);
    this.#entries[slot] = { pairs: pairs.map(([name, value]) => [name, value]), prepared };
    return prepared;
  }
}

/** -1: too long to be kept, or malformed, which `precompileFields` explains. */
function slotOf(pairs: Pairs): number {
  if (pairs.length > MAX_PAIRS) return -1;
  let hash = pairs.length;
  let characters = 0;
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) return -1;
    const [name, value] = pair;
    if (typeof name !== 'string' || typeof value !== 'string') return -1;
    characters += name.length + value.length;
    hash = (hash * 31 + name.length * 7 + value.length) | 0;
  }
  return characters > MAX_CHARACTERS ? -1 : hash & (SLOTS - 1);
}

function isSame(a: Pairs, b: Pairs): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i]?.[0] !== b[i]?.[0] || a[i]?.[1] !== b[i]?.[1]) return false;
  }
  return true;
}

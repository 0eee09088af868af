// Tests that the LRU list has the same entries as an array after the same steps.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type LruLinks, LruList } from '../../src/files/lru-list.ts';

interface Thing extends LruLinks<Thing> {
  readonly name: number;
}

function namesOf(order: LruList<Thing>): { forwards: number[]; backwards: number[] } {
  const forwards: Thing[] = [];
  for (let at = order.oldest; at !== null; at = at.newer) forwards.push(at);
  const backwards: number[] = [];
  for (let at = forwards.at(-1) ?? null; at !== null; at = at.older) backwards.push(at.name);
  return { forwards: forwards.map(({ name }) => name), backwards };
}

test('added and renewed entries are last, removed ones are absent, in both directions', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('add' as const, 'renew' as const, 'remove' as const), fc.nat(7)), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(steps, (given) => {
      const things = Array.from({ length: 8 }, (_, name): Thing => ({ name, older: null, newer: null }));
      const order = new LruList<Thing>();
      let model: number[] = [];
      for (const [step, name] of given) {
        const thing = things[name];
        if (thing === undefined || model.includes(name) === (step === 'add')) continue;
        order[step](thing);
        model = model.filter((each) => each !== name);
        if (step !== 'remove') model.push(name);
        expect(namesOf(order)).toEqual({ forwards: model, backwards: model.toReversed() });
        expect(order.size).toBe(model.length);
      }
    }),
  );
});

test('an entry that is in no list cannot be removed', () => {
  const order = new LruList<Thing>();
  const stranger: Thing = { name: 1, older: null, newer: null };
  expect(() => order.remove(stranger)).toThrow(/is in the list/);
  order.add({ name: 2, older: null, newer: null });
  expect(() => order.remove(stranger)).toThrow(/is in the list/);
  expect(namesOf(order).forwards).toEqual([2]);
});

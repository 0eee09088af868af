// The classes that must do the same: ours, and Node's own, which guards the tests themselves.

import { Headers, Request, Response } from '../../src/fetch.ts';

export interface Implementation {
  readonly name: string;
  readonly Headers: typeof Headers;
  readonly Request: typeof Request;
  readonly Response: typeof Response;
}

/** What is offered has the same types, but for what Node's types do not know yet. */
function native(name: string): ReturnType<typeof Reflect.get> {
  return Reflect.get(globalThis, name);
}

export const IMPLEMENTATIONS: readonly Implementation[] = [
  { name: 'ours', Headers, Request, Response },
  { name: "Node's", Headers: native('Headers'), Request: native('Request'), Response: native('Response') },
];

/** Calls `make` with what no type would allow. */
export function construct(make: unknown, ...values: readonly unknown[]): unknown {
  return Reflect.construct(Object(make), values);
}

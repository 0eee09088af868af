// The classes under test: the light ones, and Node's own, which check the tests themselves.

import { Headers, Request, Response } from '../../src/fetch.ts';

export interface Implementation {
  readonly name: string;
  readonly Headers: typeof Headers;
  readonly Request: typeof Request;
  readonly Response: typeof Response;
}

/** Node's class, with any type: Node's types lack a few members. */
function native(name: string): ReturnType<typeof Reflect.get> {
  return Reflect.get(globalThis, name);
}

export const IMPLEMENTATIONS: readonly Implementation[] = [
  { name: 'ours', Headers, Request, Response },
  { name: "Node's", Headers: native('Headers'), Request: native('Request'), Response: native('Response') },
];

/** Calls `make` with arguments that its types would not allow. */
export function construct(make: unknown, ...values: readonly unknown[]): unknown {
  return Reflect.construct(Object(make), values);
}

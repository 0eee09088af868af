// Node's own fetch classes, as they were before anything took their place as globals. Ours hand over to them
// what they do not do themselves.

import { inspect } from 'node:util';

/** Node's Headers. */
export const NodeHeaders: typeof globalThis.Headers = globalThis.Headers;
/** Node's Request. */
export const NodeRequest: typeof globalThis.Request = globalThis.Request;
/** Node's Response. */
export const NodeResponse: typeof globalThis.Response = globalThis.Response;
/** Node's fetch. */
export const nodeFetch: typeof globalThis.fetch = globalThis.fetch;

export type NodeHeaders = globalThis.Headers;
export type NodeRequest = globalThis.Request;
export type NodeResponse = globalThis.Response;

const isInstance: (this: unknown, value: unknown) => boolean = Function.prototype[Symbol.hasInstance];

/** What `console.log` shows of an instance of `ours`: its name and what `look` returns. */
export function showAs<T extends object>(
  ours: { readonly prototype: T; readonly name: string },
  look: (one: T) => object,
): void {
  Object.defineProperty(ours.prototype, inspect.custom, {
    value(this: T, _depth: number, options: object): string {
      return `${ours.name} ${inspect(look(this), options)}`;
    },
  });
}

/**
 * Puts Node's class behind ours: an instance of either is an instance of both. Whoever extends ours has only its own.
 */
export function standBehind(ours: { readonly prototype: object }, native: { readonly prototype: object }): void {
  Object.setPrototypeOf(ours.prototype, native.prototype);
  Object.defineProperty(ours, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      return isInstance.call(this === ours ? native : this, value);
    },
  });
}

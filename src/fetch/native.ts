// Node's own fetch classes, as they were when this module was loaded, whatever takes their place as globals later. Ours
// hand over to them what they do not do themselves. They take 20 ms of processor time to load, so they are loaded, and
// put behind ours, when the first of ours is made.

import { inspect } from 'node:util';

type NodeClasses = Pick<typeof globalThis, 'Headers' | 'Request' | 'Response' | 'fetch'>;
type ClassName = 'Headers' | 'Request' | 'Response';

export type NodeHeaders = globalThis.Headers;
export type NodeRequest = globalThis.Request;
export type NodeResponse = globalThis.Response;

/** Getters that load the class: they are not called here. */
const headers = Object.getOwnPropertyDescriptor(globalThis, 'Headers');
const request = Object.getOwnPropertyDescriptor(globalThis, 'Request');
const response = Object.getOwnPropertyDescriptor(globalThis, 'Response');
const fetching = Object.getOwnPropertyDescriptor(globalThis, 'fetch');

const isInstance: (this: unknown, value: unknown) => boolean = Function.prototype[Symbol.hasInstance];

let classes: NodeClasses | null = null;
const links: (() => void)[] = [];

/** Whether Node's classes stand behind ours. */
export let isLinked = false;

/** Node's classes, loaded by the first call. */
export function nodeClasses(): NodeClasses {
  classes ??= {
    Headers: originalOf(headers, 'Headers'),
    Request: originalOf(request, 'Request'),
    Response: originalOf(response, 'Response'),
    fetch: originalOf(fetching, 'fetch'),
  };
  return classes;
}

/** The getter replaces the global by the class: what has taken its place by now is put back. */
function originalOf<Name extends keyof NodeClasses>(
  descriptor: PropertyDescriptor | undefined,
  name: Name,
): NodeClasses[Name] {
  const { get, value } = descriptor ?? {};
  if (get === undefined) return value;
  const current = Object.getOwnPropertyDescriptor(globalThis, name);
  const original = Reflect.apply(get, globalThis, []);
  if (current !== undefined && current.get !== get) Object.defineProperty(globalThis, name, current);
  return original;
}

/** Puts Node's classes behind ours. Each constructor of ours calls it, and so does code that needs them before. */
export function linkClasses(): void {
  if (isLinked) return;
  isLinked = true;
  for (const link of links) link();
}

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
 * Puts Node's class `name` behind ours once they are linked: an instance of either is an instance of both. A
 * class that extends ours has only its own. `onLink` does what else needs Node's class.
 */
export function standBehind(ours: { readonly prototype: object }, name: ClassName, onLink = (): void => {}): void {
  const link = (): void => {
    Object.setPrototypeOf(ours.prototype, nodeClasses()[name].prototype);
    onLink();
  };
  links.push(link);
  if (isLinked) link();
  Object.defineProperty(ours, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      linkClasses();
      return isInstance.call(this === ours ? nodeClasses()[name] : this, value);
    },
  });
}

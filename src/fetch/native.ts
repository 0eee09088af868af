// Node's own fetch classes, as they were when this module was loaded. The light classes hand over to them what they do
// not implement. Loading takes 20 ms of processor time, so they are loaded when the first light object is made.

import { inspect } from 'node:util';

type NodeClasses = Pick<typeof globalThis, 'Headers' | 'Request' | 'Response' | 'fetch'>;
type ClassName = 'Headers' | 'Request' | 'Response';

export type NodeHeaders = globalThis.Headers;
export type NodeRequest = globalThis.Request;
export type NodeResponse = globalThis.Response;

/** The getters load the class, so they are not called here. */
const headers = Object.getOwnPropertyDescriptor(globalThis, 'Headers');
const request = Object.getOwnPropertyDescriptor(globalThis, 'Request');
const response = Object.getOwnPropertyDescriptor(globalThis, 'Response');
const fetching = Object.getOwnPropertyDescriptor(globalThis, 'fetch');

const isInstance: (this: unknown, value: unknown) => boolean = Function.prototype[Symbol.hasInstance];

let classes: NodeClasses | null = null;
const links: (() => void)[] = [];

/** Whether Node's classes are linked behind the light ones. */
export let isLinked = false;

/** Node's classes; the first call loads them. */
export function nodeClasses(): NodeClasses {
  classes ??= {
    Headers: originalOf(headers, 'Headers'),
    Request: originalOf(request, 'Request'),
    Response: originalOf(response, 'Response'),
    fetch: originalOf(fetching, 'fetch'),
  };
  return classes;
}

/** Reads Node's class. Its getter overwrites the global, so the current global is restored afterwards. */
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

/**
 * Links Node's classes behind the light ones. Each constructor of a light class calls it, and so does code that needs
 * them before.
 */
export function linkClasses(): void {
  if (isLinked) return;
  isLinked = true;
  for (const link of links) link();
}

/** Makes `console.log` show an instance of `ours` as its name and what `look` returns. */
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
 * Links Node's class `name` behind `ours`: an instance of either passes `instanceof` of both. A class that extends
 * `ours` has only its own instances. `onLink` runs once Node's class is loaded.
 */
export function linkBehind(ours: { readonly prototype: object }, name: ClassName, onLink = (): void => {}): void {
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

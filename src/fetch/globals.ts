// Replaces Node's fetch classes by the light ones, for applications that use the globals.

import { Headers } from './headers.ts';
import { linkClasses, nodeClasses } from './native.ts';
import { isLightRequest, nativeOf, Request } from './request.ts';
import { Response } from './response.ts';

/** Calls Node's fetch, which does not accept a light Request. */
function fetch(input: unknown, ...rest: readonly unknown[]): Promise<globalThis.Response> {
  const isOurs = typeof input === 'object' && input !== null && isLightRequest(input);
  return Reflect.apply(nodeClasses().fetch, undefined, [isOurs ? nativeOf(input) : input, ...rest]);
}

/** Makes the light classes the globals of this thread, permanently. A second call changes nothing. */
export function installGlobals(): void {
  linkClasses();
  for (const [name, value] of Object.entries({ Headers, Request, Response, fetch })) {
    Object.defineProperty(globalThis, name, {
      value,
      writable: true,
      configurable: true,
      enumerable: name === 'fetch',
    });
  }
}

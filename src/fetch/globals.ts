// Puts the light classes in the place of Node's, for applications that say `new Response` and mean whatever is there.

import { Headers } from './headers.ts';
import { linkClasses, nodeClasses } from './native.ts';
import { isLightRequest, nativeOf, Request } from './request.ts';
import { Response } from './response.ts';

/** Node's fetch, which does not know our Request. */
function fetch(input: unknown, ...rest: readonly unknown[]): Promise<globalThis.Response> {
  const isOurs = typeof input === 'object' && input !== null && isLightRequest(input);
  return Reflect.apply(nodeClasses().fetch, undefined, [isOurs ? nativeOf(input) : input, ...rest]);
}

/** Makes the light classes the globals of this thread; for good. Doing it twice changes nothing. */
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

// An application by its module, and its mount path.

import { existsSync } from 'node:fs';

export interface MountedModule {
  /** A path such as `/api`; empty: all paths that nothing else handles. */
  readonly path: string;
  /** `MODULE` or `MODULE:NAME`. */
  readonly module: string;
}

/** The suffix of a module reference: `:NAME`. */
const EXPORT = /:[^:./]*$/;

/** Parses `/api=./api.js` or `./app.js:name`. The path of a module may look like a mount: an existing file decides. */
export function mountedModuleOf(text: string): MountedModule {
  const equals = text.indexOf('=');
  const isMount = text.startsWith('/') && equals >= 0 && !existsSync(text.replace(EXPORT, ''));
  return isMount ? { path: text.slice(0, equals), module: text.slice(equals + 1) } : { path: '', module: text };
}

/** The text form. */
export function mountedModuleText({ path, module }: MountedModule): string {
  return path === '' ? module : `${path}=${module}`;
}

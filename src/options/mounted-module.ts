// An application by its module, and the path that it is mounted at.

import { existsSync } from 'node:fs';

export interface MountedModule {
  /** A path such as `/api`; empty: it answers for all paths that nothing else answers for. */
  readonly path: string;
  /** `MODULE` or `MODULE:NAME`. */
  readonly module: string;
}

/** What may stand behind the name of a module: `:NAME`. */
const EXPORT = /:[^:./]*$/;

/** What `/api=./api.js` or `./app.js:name` says. The path of a module may look like a mount: then the file is there. */
export function mountedModuleOf(text: string): MountedModule {
  const equals = text.indexOf('=');
  const isMount = text.startsWith('/') && equals >= 0 && !existsSync(text.replace(EXPORT, ''));
  return isMount ? { path: text.slice(0, equals), module: text.slice(equals + 1) } : { path: '', module: text };
}

/** The text that says it. */
export function mountedModuleText({ path, module }: MountedModule): string {
  return path === '' ? module : `${path}=${module}`;
}

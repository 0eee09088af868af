// Notices that an application's files changed. A save is several events, and a checkout hundreds: they count once,
// when it is quiet again. It must not know what follows from it.

import { dirname, resolve } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { messageOf } from '../errors.ts';
import { isWithin } from '../server/hidden-paths.ts';
import { logLine } from '../server/log-line.ts';

/** Quiet for this long: the save is over. Editors write, rename and touch within a few milliseconds. */
const QUIET_MS = 100;

/** A storm without a pause is not waited for longer than this. */
const MAX_STORM_MS = 2_000;

/** Folders below the watched ones; deeper trees are data. */
const MAX_DEPTH = 8;

/**
 * What an application is made of: modules, and what modules read when they begin, templates and data. Logs and
 * databases, which it writes itself, would restart it for ever.
 */
const SOURCE = /\.(?:[cm]?[jt]sx?|json|node|wasm|ya?ml|html?|eta|ejs|hbs|njk|pug|conf)$/;

/** Whether a change of `path` means nothing for `root`: hidden names, installed packages, what is no source. */
function isIgnored(path: string, root: string, isFile: boolean): boolean {
  if (path === dirname(root) || path === root) return false;
  if (!isWithin(path, root) || /\/(?:\.[^/]*|node_modules)(?:\/|$)/.test(path.slice(root.length))) return true;
  return isFile && !SOURCE.test(path);
}

/** Calls `onChange` after each burst of changes of `paths`; the result ends it. */
export async function watchFiles(paths: readonly string[], onChange: () => void): Promise<() => Promise<void>> {
  let timer: NodeJS.Timeout | undefined;
  let stormMs: number | null = null;
  const fire = (): void => {
    stormMs = null;
    onChange();
  };
  const watchers = paths.map((given) => {
    const root = resolve(given);
    // From the folder above: what is deleted and comes again, as a checkout does, is still watched.
    const watcher = watch(dirname(root), {
      ignoreInitial: true,
      depth: MAX_DEPTH,
      ignored: (path, stats) => isIgnored(path, root, stats?.isFile() === true),
    });
    watcher.on('all', (_event, path) => {
      if (path === dirname(root) || (path !== root && !SOURCE.test(path))) return;
      const nowMs = performance.now();
      stormMs ??= nowMs;
      if (nowMs - stormMs > MAX_STORM_MS) return;
      clearTimeout(timer);
      timer = setTimeout(fire, QUIET_MS);
    });
    watcher.on('error', (error) => {
      logLine(`some changes of ${root} will not be noticed: ${messageOf(error)}`);
    });
    return watcher;
  });
  await Promise.all(watchers.map(isReady));
  return async () => {
    clearTimeout(timer);
    await Promise.all(watchers.map((watcher) => watcher.close()));
  };
}

function isReady(watcher: FSWatcher): Promise<void> {
  return new Promise((resolve) => {
    watcher.once('ready', resolve);
  });
}

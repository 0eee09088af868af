// Notices that an application's files changed. A save is several events, and a checkout hundreds: they count once,
// when it is quiet again. It must not know what follows from it.

import { type FSWatcher, watch } from 'chokidar';
import { messageOf } from '../errors.ts';

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

/** Hidden names and installed packages do not count. */
function isIgnored(path: string, root: string): boolean {
  const below = path.slice(root.length);
  return /\/(?:\.[^/]*|node_modules)(?:\/|$)/.test(below);
}

/** Calls `onChange` after each burst of changes of `paths`; the result ends it. */
export async function watchFiles(paths: readonly string[], onChange: () => void): Promise<() => Promise<void>> {
  let timer: NodeJS.Timeout | undefined;
  let stormMs: number | null = null;
  const fire = (): void => {
    stormMs = null;
    onChange();
  };
  const watchers = paths.map((root) => {
    const watcher = watch(root, {
      ignoreInitial: true,
      depth: MAX_DEPTH,
      ignored: (path, stats) =>
        isIgnored(path, root) || (stats?.isFile() === true && path !== root && !SOURCE.test(path)),
    });
    watcher.on('all', (_event, path) => {
      if (path !== root && !SOURCE.test(path)) return;
      const nowMs = performance.now();
      stormMs ??= nowMs;
      if (nowMs - stormMs > MAX_STORM_MS) return;
      clearTimeout(timer);
      timer = setTimeout(fire, QUIET_MS);
    });
    watcher.on('error', (error) => {
      process.stderr.write(`epoll-server: some changes of ${root} will not be noticed: ${messageOf(error)}\n`);
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

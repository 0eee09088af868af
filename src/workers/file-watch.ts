// Detects changes of an application's files. A save is several events, and a checkout hundreds: a burst is reported
// once, when it is over.

import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type FSWatcher, watch } from 'chokidar';
import { messageOf } from '../errors.ts';
import { isWithin } from '../files/deny-list.ts';
import { logLine } from '../log/log-line.ts';

/** A burst ends after this much silence. Editors write, rename and touch within a few milliseconds. */
const QUIET_MS = 100;

/** A burst without a pause is reported after this time. */
const MAX_STORM_MS = 2_000;

/** The depth of watched subfolders; deeper trees are data. */
const MAX_DEPTH = 8;

/** Links of one path that are followed; the limit of Linux. */
const MAX_LINKS = 40;

/**
 * Extensions of files that make up an application: modules, files that modules read at their start, templates and data.
 * Logs and databases, which it writes itself, would restart it in a loop.
 */
const SOURCE = /\.(?:[cm]?[jt]sx?|json|node|wasm|py|ya?ml|toml|ini|html?|eta|ejs|hbs|njk|pug|jinja2?|j2|mako|pt|conf)$/;

/** Hidden names, and folders of packages and caches. */
const INSTALLED = /\/(?:\.[^/]*|node_modules|site-packages|__pycache__)(?:\/|$)/;

/** Whether a change of `path` is ignored for `root`: hidden names, installed packages, files that are not source. */
function isIgnored(path: string, root: string, isFile: boolean): boolean {
  if (path === dirname(root) || path === root) return false;
  if (!isWithin(path, root) || INSTALLED.test(path.slice(root.length))) return true;
  return isFile && !SOURCE.test(path);
}

/** Whether a link leads to a folder that contains it: below it is what is watched already, over and over. */
function leadsUp(path: string): boolean {
  return isLink(path) && isWithin(realPathOf(dirname(path)), realPathOf(path));
}

/** Files and folders, by names that may lead through links. */
export type WatchedNames = () => Promise<readonly string[]>;

export class FileWatch {
  readonly #names: WatchedNames;
  readonly #onChange: () => void;
  #watchers: readonly FSWatcher[] = [];
  /** The names that the watchers are for. */
  #watched: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #stormMs: number | null = null;
  /** A link may have changed its target: the watched files have to be resolved again. */
  #isMoved = false;
  #isOver = false;
  /** The reports of bursts, one after the other. */
  #firing: Promise<void> = Promise.resolve();

  /** Calls `onChange` after each burst of changes. */
  constructor(names: WatchedNames, onChange: () => void) {
    this.#names = names;
    this.#onChange = onChange;
  }

  /** Resolves when every later change will be detected. */
  async begin(): Promise<void> {
    this.#watched = await this.#names();
    this.#watchers = await this.#open(this.#watched);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await Promise.all(this.#watchers.map((watcher) => watcher.close()));
  }

  async #open(names: readonly string[]): Promise<readonly FSWatcher[]> {
    const roots = withoutInner(names.map(realPathOf));
    const links = [...new Set(names.flatMap((name) => linksOf(resolve(name))))];
    const watchers = [
      ...roots.map((root) => this.#watchTree(root)),
      ...links.filter((link) => !roots.some((root) => isWithin(link, root))).map((link) => this.#watchLink(link)),
    ];
    await Promise.all(watchers.map(isReady));
    return watchers;
  }

  /** Watches from the parent folder, so that a deleted and recreated name, as in a checkout, is still watched. */
  #watchTree(root: string): FSWatcher {
    const watcher = watch(dirname(root), {
      ignoreInitial: true,
      depth: MAX_DEPTH,
      ignored: (path, stats) =>
        isIgnored(path, root, stats?.isFile() === true) || (stats?.isDirectory() === true && leadsUp(path)),
    });
    watcher.on('all', (_event, path) => this.#seen(path, root));
    this.#onEvents(watcher, (path) => {
      if (isIgnored(path, root, false) || path === dirname(root)) return;
      if (isLink(path)) this.#isMoved = true;
      if (isLink(path) || path === root) this.#changed();
      else this.#seen(path, root);
    });
    return this.#saying(watcher, root);
  }

  /** Watches a link on the way to a root. */
  #watchLink(link: string): FSWatcher {
    const folder = dirname(link);
    const watcher = watch(folder, {
      ignoreInitial: true,
      depth: 0,
      followSymlinks: false,
      ignored: (path) => path !== folder,
    });
    this.#onEvents(watcher, (path) => {
      if (path !== link) return;
      this.#isMoved = true;
      this.#changed();
    });
    return this.#saying(watcher, link);
  }

  /**
   * Calls `listener` for the raw events. chokidar itself misses a file that was replaced by one with the same
   * modification time, and a link whose target changed.
   */
  #onEvents(watcher: FSWatcher, listener: (path: string) => void): void {
    watcher.on('raw', (_event, name: string | null, details: unknown) => {
      const watched = watchedPathOf(details);
      if (watched === null) return;
      // The name is that of an entry, or it repeats the watched name.
      listener(name === null || watched.endsWith(sep + name) ? watched : join(watched, name));
    });
  }

  #saying(watcher: FSWatcher, path: string): FSWatcher {
    watcher.on('error', (error) => {
      logLine(`some changes of ${path} will not be detected: ${messageOf(error)}`);
    });
    return watcher;
  }

  #seen(path: string, root: string): void {
    if (path !== dirname(root) && (path === root || SOURCE.test(path))) this.#changed();
  }

  #changed(): void {
    const nowMs = performance.now();
    this.#stormMs ??= nowMs;
    if (nowMs - this.#stormMs > MAX_STORM_MS) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#firing = this.#firing.then(() => this.#fire());
    }, QUIET_MS);
  }

  async #fire(): Promise<void> {
    this.#stormMs = null;
    await this.#follow();
    if (!this.#isOver) this.#onChange();
  }

  /** Names that cannot be resolved at the moment change nothing. */
  async #follow(): Promise<void> {
    const isMoved = this.#isMoved;
    this.#isMoved = false;
    try {
      const names = await this.#names();
      if (isMoved || !isDeepStrictEqual(names, this.#watched)) await this.#reopen(names);
    } catch {
      this.#isMoved ||= isMoved;
    }
  }

  /** The old watchers stay active until the new ones are ready. */
  async #reopen(names: readonly string[]): Promise<void> {
    const found = await this.#open(names);
    const useless = this.#isOver ? found : this.#watchers;
    if (!this.#isOver) {
      this.#watchers = found;
      this.#watched = names;
    }
    await Promise.all(useless.map((watcher) => watcher.close()));
  }
}

function isReady(watcher: FSWatcher): Promise<void> {
  return new Promise((resolve) => {
    watcher.once('ready', resolve);
  });
}

function watchedPathOf(details: unknown): string | null {
  if (typeof details !== 'object' || details === null || !('watchedPath' in details)) return null;
  return typeof details.watchedPath === 'string' ? details.watchedPath : null;
}

/** Returns the name itself if it cannot be resolved. */
function realPathOf(name: string): string {
  try {
    return realpathSync.native(name);
  } catch {
    return resolve(name);
  }
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/** Removes paths that lie within another one of the list. */
function withoutInner(paths: readonly string[]): readonly string[] {
  const unique = [...new Set(paths)];
  return unique.filter((path) => !unique.some((other) => other !== path && isWithin(path, other)));
}

/** The links on an absolute path, and the links that those lead through. */
function linksOf(path: string): readonly string[] {
  const links: string[] = [];
  let left = path.split(sep);
  let at = '';
  for (let name = left.shift(); name !== undefined && links.length < MAX_LINKS; name = left.shift()) {
    if (name === '') continue;
    const next = at + sep + name;
    if (!isLink(next)) {
      at = next;
      continue;
    }
    links.push(next);
    left = [...resolve(at === '' ? sep : at, readlinkSync(next)).split(sep), ...left];
    at = '';
  }
  return links;
}

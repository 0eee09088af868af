// Looks for the file that a path of a site means: at once as far as the system knows names, else in the thread pool.
// It must not know requests.

import type { FilePath } from './file-path.ts';
import { isCurrentSource, type OpenFile, type Refusal } from './file-source.ts';
import {
  type FilePlace,
  type FinderOptions,
  type Found,
  findExactly,
  findFile,
  mountOf,
  type Search,
} from './finder.ts';
import type { FileServices } from './services.ts';
import type { WaitingClient } from './shared-wait.ts';

export class Searcher {
  readonly #options: FinderOptions;
  readonly #services: FileServices;

  constructor(options: FinderOptions, services: FileServices) {
    this.#options = options;
    this.#services = services;
  }

  /** `own`: the site asks for its own page, by its very name. */
  find(path: FilePath, own: boolean, client: WaitingClient): Found | Promise<Found> {
    const unknown = mountOf(path.segments, this.#options.mounts).whenKnown?.() ?? null;
    if (unknown !== null) return unknown.then(() => (client.ended ? 'busy' : this.find(path, own, client)));
    const search = own ? findExactly(path, this.#options.mounts) : findFile(path, this.#options);
    let step = search.next();
    while (step.done !== true) {
      const opened = step.value.source.open(step.value.path);
      if (opened === null) return this.#findLater(search, step.value, client, () => this.find(path, own, client));
      step = search.next(opened);
    }
    return step.value;
  }

  /** In the pool, unless that is full. */
  async openLater({ source, path }: Omit<FilePlace, 'prefix'>, client: WaitingClient): Promise<OpenFile | Refusal> {
    const { pool, counters } = this.#services;
    if (pool.isFull) return 'busy';
    counters.poolOpens++;
    return (
      (await pool.run(
        () => source.openLater(path),
        () => !client.ended,
      )) ?? 'busy'
    );
  }

  /** Whether something is missing in a folder that is not served any more, which says nothing of the one that is. */
  isOutdated(found: unknown, { source }: FilePlace): boolean {
    return found === 'missing' && !isCurrentSource(source, this.#services.nowMs());
  }

  async #findLater(
    search: Search,
    place: FilePlace,
    client: WaitingClient,
    again: () => Found | Promise<Found>,
  ): Promise<Found> {
    for (let at = place; ; ) {
      const step = search.next(at.source.open(at.path) ?? (await this.openLater(at, client)));
      if (step.done === true) return this.isOutdated(step.value, at) ? again() : step.value;
      at = step.value;
    }
  }
}

// The Python applications of a server: their workers, which all of its processes share, and where these are found.

import { availableParallelism } from 'node:os';
import type { ApplicationPlace } from '../app/application-place.ts';
import { EpollServerError } from '../errors.ts';
import type { ShareContext, SharedContent } from '../server/content.ts';
import { pythonEnvironment } from './inherited-python.ts';
import { interpreterFor } from './interpreter.ts';
import { PythonPool } from './python-pool.ts';

/** A module, or a folder of modules with URLs of their own. */
export interface PythonApplication {
  readonly place: ApplicationPlace;
  /** Bodies of the tutorials, which PEP 3333 does not know, are accepted. */
  readonly isLenient: boolean;
}

export interface PythonSettings {
  /** Undefined: it is searched. */
  readonly python: string | undefined;
  /** Processes for each application; undefined: one for each processor. */
  readonly workers: number | undefined;
  readonly threads: number;
  /** The working folder of the applications. */
  readonly cwd: string;
}

export class PythonApplications implements SharedContent {
  readonly #pools: ReadonlyMap<string, PythonPool>;
  /** Sockets by the reference of the application. */
  readonly #paths: ReadonlyMap<string, string>;

  private constructor(pools: ReadonlyMap<string, PythonPool>, paths: ReadonlyMap<string, string>) {
    this.#pools = pools;
    this.#paths = paths;
  }

  /**
   * Starts the workers of `applications`. Resolves when each application was loaded once.
   * @throws EpollServerError `ERR_APPLICATION_MODULE`, `ERR_PYTHON`, `ERR_LISTEN`, `ERR_WORKER`.
   */
  static async open(
    applications: readonly PythonApplication[],
    settings: PythonSettings,
    context: ShareContext,
  ): Promise<PythonApplications> {
    const pools = new Map<string, PythonPool>();
    const own = new PythonApplications(pools, new Map());
    try {
      for (const application of applications) {
        const { reference } = application.place;
        if (!pools.has(reference)) pools.set(reference, await openPool(application, settings, context));
      }
      return own;
    } catch (error) {
      await own.close();
      throw error;
    }
  }

  /** Those that another process runs. `paths`: their sockets, by the reference of the application. */
  static at(paths: ReadonlyMap<string, string>): PythonApplications {
    return new PythonApplications(new Map(), paths);
  }

  /** Whether the application has workers. */
  has({ reference }: ApplicationPlace): boolean {
    return this.#pools.has(reference) || this.#paths.has(reference);
  }

  /**
   * The socket of the workers of an application.
   * @throws EpollServerError `ERR_OPTION`: a reload has named another application.
   */
  pathOf({ reference }: ApplicationPlace): string {
    const path = this.#pools.get(reference)?.path ?? this.#paths.get(reference);
    if (path === undefined) {
      // The parent has read the configuration before it was changed.
      const text = `${reference} has no workers: Python applications are named at the start, so restart the server`;
      throw new EpollServerError('ERR_OPTION', text);
    }
    return path;
  }

  get environment(): Readonly<Record<string, string>> {
    return pythonEnvironment(new Map([...this.#pools].map(([reference, { path }]) => [reference, path])));
  }

  async renew(reason: string): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.renew(reason)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
  }
}

function openPool(
  { place, isLenient }: PythonApplication,
  { python, workers = availableParallelism(), threads, cwd }: PythonSettings,
  { limits, owner }: ShareContext,
): Promise<PythonPool> {
  const { reference, home, python: module } = place;
  const folder = module?.folder ?? home;
  return PythonPool.open({
    python: interpreterFor(python, [folder, cwd]),
    application: module === undefined ? ['--dynamic', reference] : argumentsOf(module, isLenient),
    folder,
    cwd,
    threads,
    processes: workers,
    loadTimeoutMs: limits.loadTimeoutMs,
    owner,
    name: module?.file ?? reference,
    backlog: limits.backlog,
    hangTimeoutMs: limits.handlerTimeoutMs,
    limitMs: limits.shutdownTimeoutMs,
  });
}

function argumentsOf(
  { module, callable }: NonNullable<ApplicationPlace['python']>,
  isLenient: boolean,
): readonly string[] {
  const named = callable === '' ? [] : ['--callable', callable];
  return ['--module', module, ...named, ...(isLenient ? ['--lenient', '1'] : [])];
}

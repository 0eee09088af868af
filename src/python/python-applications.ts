// The Python applications of a server: their workers, which all of its processes share, and where these are found.

import { availableParallelism } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { ApplicationPlace } from '../app/application-place.ts';
import { EpollServerError } from '../errors.ts';
import type { Renewal, ShareContext, SharedContent } from '../server/content.ts';
import { pythonEnvironment } from './inherited-python.ts';
import { interpreterFor } from './interpreter.ts';
import { PythonPool, type PythonPoolOptions } from './python-pool.ts';

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

/** A pool, and how many generations of processes use it. */
interface SharedPool {
  readonly pool: PythonPool;
  readonly options: PythonPoolOptions;
  users: number;
}

export class PythonApplications implements SharedContent {
  /** By the reference of the application. */
  readonly #pools: ReadonlyMap<string, SharedPool>;
  /** Sockets by the reference of the application. */
  readonly #paths: ReadonlyMap<string, string>;

  private constructor(pools: ReadonlyMap<string, SharedPool>, paths: ReadonlyMap<string, string>) {
    this.#pools = pools;
    this.#paths = paths;
  }

  /**
   * Starts the workers of `applications`. Resolves when each application was loaded once. `renewal`: workers that are
   * started in the same way as those before stay, and load their application again.
   * @throws EpollServerError `ERR_APPLICATION_MODULE`, `ERR_PYTHON`, `ERR_LISTEN`, `ERR_WORKER`.
   */
  static async open(
    applications: readonly PythonApplication[],
    settings: PythonSettings,
    context: ShareContext,
    renewal?: Renewal,
  ): Promise<PythonApplications> {
    const before = renewal?.shared instanceof PythonApplications ? renewal.shared.#pools : new Map<string, never>();
    const pools = new Map<string, SharedPool>();
    const own = new PythonApplications(pools, new Map());
    const kept: PythonPool[] = [];
    try {
      for (const application of applications) {
        const { reference } = application.place;
        if (pools.has(reference)) continue;
        const options = poolOptions(application, settings, context);
        const known = before.get(reference);
        if (known !== undefined && isDeepStrictEqual(known.options, options)) {
          known.users++;
          pools.set(reference, known);
          kept.push(known.pool);
        } else {
          pools.set(reference, { pool: await PythonPool.open(options, renewal?.signal), options, users: 1 });
        }
      }
      // Only now: the workers before are not changed when a new application does not load.
      const { reason = '', signal } = renewal ?? {};
      await Promise.all(kept.map((pool) => pool.renew(reason, signal)));
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
   * @throws EpollServerError `ERR_OPTION`: the configuration has changed since the parent of this process has read it.
   */
  pathOf({ reference }: ApplicationPlace): string {
    const path = this.#pools.get(reference)?.pool.path ?? this.#paths.get(reference);
    if (path === undefined) {
      const text = `${reference} has no workers: the configuration was changed while the server read it, so try again`;
      throw new EpollServerError('ERR_OPTION', text);
    }
    return path;
  }

  get environment(): Readonly<Record<string, string>> {
    return pythonEnvironment(new Map([...this.#pools].map(([reference, { pool }]) => [reference, pool.path])));
  }

  async close(limitMs?: number): Promise<void> {
    const unused = [...this.#pools.values()].filter((each) => --each.users === 0);
    await Promise.all(unused.map(({ pool }) => pool.close(limitMs)));
  }
}

function poolOptions(
  { place, isLenient }: PythonApplication,
  { python, workers = availableParallelism(), threads, cwd }: PythonSettings,
  { limits, owner }: ShareContext,
): PythonPoolOptions {
  const { reference, home, python: module } = place;
  const folder = module?.folder ?? home;
  return {
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
  };
}

function argumentsOf(
  { module, callable }: NonNullable<ApplicationPlace['python']>,
  isLenient: boolean,
): readonly string[] {
  const named = callable === '' ? [] : ['--callable', callable];
  return ['--module', module, ...named, ...(isLenient ? ['--lenient', '1'] : [])];
}

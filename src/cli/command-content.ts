// The content of the command: files, then mounted applications, then the modules of a folder, then the application.

import { type ApplicationSettings, type LoadedApplication, openApplication } from '../app/application.ts';
import { type ApplicationPlace, placeOfFolder, placeOfModule } from '../app/application-place.ts';
import { mount } from '../app/mount.ts';
import { EpollServerError } from '../errors.ts';
import type { Folders } from '../files/sites.ts';
import type { Handler } from '../http/handler.ts';
import { traitsOf, withTraits } from '../http/handler-traits.ts';
import { mountsOf } from '../options/mount-paths.ts';
import type { StaticSettings } from '../options/option-types.ts';
import { type UpstreamPlace, upstreamPlaceText } from '../options/upstream-place.ts';
import { inheritedPythonSockets, pythonEnvironment } from '../python/inherited-python.ts';
import type { PythonApplication, PythonApplications, PythonSettings } from '../python/python-applications.ts';
import {
  type ContentContext,
  type OpenContent,
  type Renewal,
  type ServedContent,
  type ShareContext,
  type SharedContent,
  withUpstreams,
} from '../server/content.ts';

/** The content to serve; null: none of that kind. */
export interface CommandContentOptions {
  readonly files: StaticSettings | null;
  /** The application that handles all requests that nothing else handles. */
  readonly app: string | null;
  /** Other applications, by their mount path. */
  readonly mounted: readonly (readonly [path: string, app: string])[];
  /** Programs behind this server. */
  readonly proxies: readonly UpstreamPlace[];
  /** A folder whose modules have URLs of their own. */
  readonly dynamic: string | null;
  readonly dynamicSuffix: string | undefined;
  readonly adapter: ApplicationSettings['adapter'];
  /** Threads in which each application runs; 0: the main thread. */
  readonly offload: number;
  /** How Python applications are run. */
  readonly python: PythonSettings;
}

/** The resolved places of files and applications. */
interface Places {
  readonly app: ApplicationPlace | null;
  readonly mounted: readonly (readonly [path: string, place: ApplicationPlace])[];
  readonly dynamic: ApplicationPlace | null;
  readonly folders: Folders | null;
  /** Those in Python, the dynamic folder included if it has modules in Python. */
  readonly python: readonly PythonApplication[];
}

export class CommandContent implements ServedContent {
  readonly #options: CommandContentOptions;
  #places: Places | null = null;

  constructor(options: CommandContentOptions) {
    this.#options = options;
  }

  get served(): StaticSettings | null {
    return this.#options.files;
  }

  async check(): Promise<void> {
    this.#places = await find(this.#options);
  }

  /** Files and folders whose changes restart an application. Resolved again, since links may have changed. */
  async names(): Promise<readonly string[]> {
    const { app, mounted, dynamic } = await find(this.#options);
    return [dynamic, app, ...mounted.map(([, place]) => place)].flatMap((place) => place?.names ?? []);
  }

  /** What the operator should know about the choice of applications. */
  async notices(): Promise<readonly string[]> {
    this.#places ??= await find(this.#options);
    const { app, mounted } = this.#places;
    return [app, ...mounted.map(([, place]) => place)].flatMap((place) => place?.notice ?? []);
  }

  /** Whether a part of the content runs in Python. */
  async hasPython(): Promise<boolean> {
    this.#places ??= await find(this.#options);
    return this.#places.python.length > 0;
  }

  async share(context: ShareContext, renewal?: Renewal): Promise<SharedContent> {
    this.#places ??= await find(this.#options);
    // Without workers these processes must not start any either: the configuration may change before they read it.
    const none = { environment: pythonEnvironment(new Map()), close: async () => {} };
    return (await openPython(this.#places, this.#options, context, renewal)) ?? none;
  }

  /** The content, in the order in which it is tried. */
  get description(): string {
    const { app, mounted, proxies, dynamic, files } = this.#options;
    const root = this.#places?.folders?.root ?? null;
    const folders = root === null ? Object.entries(files?.mounts ?? {}) : [[null, root] as const];
    const mounts = [...folders, ...mounted].map(([path, each]) => (path === null ? each : `${path}=${each}`));
    const programs = proxies.map(upstreamPlaceText);
    const places = [...mounts, dynamic, app, ...programs];
    return places.filter((each) => each !== null).join(' and ');
  }

  /** The workers that the parent of this process runs, or those that this process starts; null: none are needed. */
  async #python(places: Places, { limits }: ContentContext): Promise<PythonApplications | null> {
    const sockets = inheritedPythonSockets();
    if (sockets === null) return openPython(places, this.#options, { limits, owner: {} });
    const { PythonApplications } = await import('../python/python-applications.ts');
    return PythonApplications.at(sockets);
  }

  async open(context: ContentContext): Promise<OpenContent> {
    this.#places ??= await find(this.#options);
    const { files: given } = this.#options;
    const { folders } = this.#places;
    const python = await this.#python(this.#places, context);
    const applications = new Applications(context, python);
    try {
      const next = await applications.open(this.#places, this.#options);
      if (given === null || folders === null) {
        // Without files there is an application: this was checked.
        return { handler: next ?? (() => {}), files: null, close: (limitMs) => applications.close(limitMs) };
      }
      const { openStaticFiles } = await import('../files/static-files.ts');
      const files = openStaticFiles(given, folders, next, context);
      const close = async (limitMs?: number): Promise<void> => {
        await files.close();
        await applications.close(limitMs);
      };
      return { handler: files, files, close };
    } catch (error) {
      await applications.close();
      throw error;
    }
  }
}

/** The opened applications, which are closed together. */
class Applications {
  readonly #context: ContentContext;
  /** Null: none of them is in Python. */
  readonly #python: PythonApplications | null;
  readonly #opened: LoadedApplication[] = [];

  constructor(context: ContentContext, python: PythonApplications | null) {
    this.#context = context;
    this.#python = python;
  }

  /** The handler behind the files; undefined: none. */
  async open({ app, mounted, dynamic }: Places, options: CommandContentOptions): Promise<Handler | undefined> {
    const { adapter, offload: threads, dynamicSuffix: suffix, proxies } = options;
    const own = app === null ? undefined : await this.#open(app, { adapter, threads });
    const main = await withUpstreams(proxies, own, this.#context.upstreams);
    const scripts = dynamic === null ? main : await this.#open(dynamic, { dynamic: { suffix }, next: main });
    const pages = dynamic === null ? scripts : await this.#withPython(dynamic, scripts);
    if (mounted.length === 0) return pages;
    const handlers: [string, Handler][] = [];
    for (const [path, place] of mounted) handlers.push([path, await this.#open(place, { threads })]);
    return mount(Object.fromEntries(handlers), pages);
  }

  async #open(
    place: ApplicationPlace,
    own: Partial<Pick<ApplicationSettings, 'adapter' | 'threads' | 'dynamic' | 'next'>>,
  ): Promise<Handler> {
    if (place.python !== undefined && this.#python !== null) return this.#workersOf(place, this.#python);
    const { limits, onError } = this.#context;
    const { loadTimeoutMs, offloadTimeoutMs, maxOffloadQueue } = limits;
    const application = await openApplication(place, {
      ...{ adapter: undefined, threads: 0, dynamic: undefined, next: undefined },
      ...{ loadTimeoutMs, offloadTimeoutMs, maxOffloadQueue, onError, overrideGlobals: true },
      ...own,
    });
    this.#opened.push(application);
    return application;
  }

  /** Puts the Python modules of a dynamic folder, if it has any, in front of `next`. */
  async #withPython(folder: ApplicationPlace, next: Handler | undefined): Promise<Handler | undefined> {
    const python = this.#python;
    if (python?.has(folder) !== true) return next;
    const { pythonFolder } = await import('../python/python-folder.ts');
    const workers = await this.#workersOf(folder, python);
    return pythonFolder({ folder: folder.reference, workers, next, nowMs: this.#context.nowMs });
  }

  /** A handler that gives requests to the workers of a Python application. */
  async #workersOf(place: ApplicationPlace, python: PythonApplications): Promise<Handler> {
    const { upstreamHandler } = await import('../upstream/upstream-handler.ts');
    const { file = place.reference } = place.python ?? {};
    const address = { path: python.pathOf(place) };
    const handler = upstreamHandler({ name: `python:${file}`, address, isTrusted: true }, this.#context.upstreams);
    return withTraits(handler, { ...traitsOf(handler), sources: place.sources });
  }

  async close(limitMs?: number): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((application) => application.close()));
    await this.#python?.close(limitMs);
  }
}

/** Starts the workers of the applications in Python; null: there are none. */
async function openPython(
  { python }: Places,
  { python: settings }: CommandContentOptions,
  context: ShareContext,
  renewal?: Renewal,
): Promise<PythonApplications | null> {
  if (python.length === 0) return null;
  const { PythonApplications } = await import('../python/python-applications.ts');
  return PythonApplications.open(python, settings, context, renewal);
}

async function find(options: CommandContentOptions): Promise<Places> {
  checkContent(options);
  const folder = options.dynamic === null ? null : await placeOfFolder(options.dynamic);
  const searched = folder === null ? [] : [folder.home];
  const app = options.app === null ? null : await placeOfModule(options.app, searched);
  const mounted: [string, ApplicationPlace][] = [];
  for (const [path, module] of options.mounted) mounted.push([path, await placeOfModule(module, searched)]);
  const modules = [app, ...mounted.map(([, place]) => place)].filter((place) => place !== null);
  const sources = [...modules, ...(folder === null ? [] : [folder])].flatMap((place) => place.sources);
  // A folder that holds an application contains its parts, not pages.
  const dynamic = modules.some(({ home }) => home === folder?.home) ? null : folder;
  const python = await pythonOf(modules, folder, dynamic);
  checkLanguages(options, app, modules, python);
  return { app, mounted, dynamic, folders: await foldersOf(options.files, sources), python };
}

/** The applications in Python. `folder`: the dynamic folder; `dynamic`: the same if it is served. */
async function pythonOf(
  modules: readonly ApplicationPlace[],
  folder: ApplicationPlace | null,
  dynamic: ApplicationPlace | null,
): Promise<readonly PythonApplication[]> {
  // The applications of the tutorials lie in the dynamic folder, or beside it.
  const isLenient = folder !== null;
  const own = modules.filter(({ python }) => python !== undefined).map((place) => ({ place, isLenient }));
  if (dynamic === null) return own;
  const { hasPythonModules } = await import('../python/python-folder.ts');
  return (await hasPythonModules(dynamic.home)) ? [...own, { place: dynamic, isLenient: true }] : own;
}

/** @throws EpollServerError `ERR_OPTION`: an option of the other language. */
function checkLanguages(
  { adapter, offload, dynamic, python: settings }: CommandContentOptions,
  app: ApplicationPlace | null,
  modules: readonly ApplicationPlace[],
  python: readonly PythonApplication[],
): void {
  if (adapter !== undefined && app?.python !== undefined)
    throw wrong('adapter is for applications in JavaScript, and this one is in Python: remove it');
  if (offload > 0 && python.some(({ place }) => place.python !== undefined) && modules.length === 1)
    throw wrong('offload is for applications in JavaScript: use python-workers and python-threads');
  const isUseless = settings.workers !== undefined || settings.python !== undefined || settings.threads > 1;
  if (isUseless && python.length === 0) {
    const inBoth = modules.find(({ notice }) => notice !== undefined)?.notice;
    const here = dynamic === null ? 'name one, as in mysite.wsgi:application' : `${dynamic} has no .py files`;
    throw wrong(
      `python-workers, python-threads and python are for applications in Python, and there is none: ${inBoth ?? here}`,
    );
  }
}

async function foldersOf(files: StaticSettings | null, sources: readonly string[]): Promise<Folders | null> {
  if (files === null) return null;
  const { resolveFolders } = await import('../files/sites.ts');
  return resolveFolders(files, sources);
}

/** @throws EpollServerError `ERR_OPTION`: an option for content that is not served. */
function checkContent(options: CommandContentOptions): void {
  const { app, mounted, proxies, dynamic, dynamicSuffix, adapter, offload } = options;
  const program = proxies.find(({ mountPath }) => mountPath === '');
  if (app !== null && program !== undefined)
    throw wrong(`app and proxy are both for all paths: mount one of them, as in /api=${upstreamPlaceText(program)}`);
  if (adapter !== undefined && app === null)
    throw wrong('adapter is for the application of all other paths, and there is none: add one, as in --app ./app.js');
  if (dynamicSuffix !== undefined && dynamic === null)
    throw wrong('dynamic-suffix is for the modules of a dynamic folder, and there is none: add --dynamic FOLDER');
  if (offload > 0 && app === null && mounted.length === 0)
    throw wrong('offload runs applications in threads, and there is none: add one, as in --app ./app.js');
  mountsOf(mounted, 'an application');
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}

// Several processes with a reactor each, on the same addresses, and their parent. Each has its own listener for each
// port, among which the system distributes the clients (SO_REUSEPORT). Where it does not, all accept on the same one.

import type { AdminView } from '../admin/admin-handler.ts';
import { startAdmin } from '../admin/admin-server.ts';
import { serveAdministered } from '../admin/administered-server.ts';
import { type Snapshot, snapshotOf } from '../admin/snapshot.ts';
import { reusePortBalances } from '../kernel/native-kernel.ts';
import type { Limits } from '../limits.ts';
import { listenText } from '../options/listen-address.ts';
import type { Renewal, Setup, SharedContent } from '../server/content.ts';
import { resolveOptions } from '../server/resolved-options.ts';
import { type CloseOptions, type ReactorServer, type ServerHandle, serveReactor } from '../server/server.ts';
import type { Child } from './child.ts';
import { type ProcessOwner, startProcess } from './child-process.ts';
import type { FileWatch, WatchedNames } from './file-watch.ts';
import { Generations, type GenerationsOptions, type Launch, type Replacement } from './generations.ts';
import { inheritPlace, openSockets } from './inheritance.ts';
import { ListeningParent } from './listening-parent.ts';
import { ADMIN_SOCKET, takePassedSockets } from './passed-sockets.ts';
import { onAsked, type Role, reportToParent } from './role.ts';
import { startSuccessor } from './successor.ts';

/** What a parent needs beside its setup. */
export interface ParentOptions {
  /** How many workers there are. */
  readonly count: number;
  /** Finds the files whose changes replace the workers; null: none. */
  readonly watched: WatchedNames | null;
  /** The user and group of the workers. */
  readonly owner: ProcessOwner;
  /**
   * Reads the configuration again.
   * @throws EpollServerError: it is not valid.
   */
  readonly readAgain: () => Promise<Setup>;
}

/** A server whose workers can be replaced. */
export interface ReloadableServer extends ServerHandle {
  /** Replaces the workers by ones that read the configuration and the application again. */
  reload(): Promise<void>;
  /** Makes the workers open their log files again. */
  reopenLogs(): void;
  /**
   * Starts the next version of this program on the same listeners; resolves to its process number when it serves. `signal`
   * ends it before that.
   * @throws EpollServerError `ERR_WORKER`: it did not start.
   */
  readonly upgrade: (signal: AbortSignal) => Promise<number>;
}

/** Starts the parent: it keeps the listeners and the workers, and serves no client. */
async function startParent(
  setup: Setup,
  { count, watched, owner, readAgain }: ParentOptions,
): Promise<ReloadableServer> {
  const resolved = await resolveOptions(setup);
  const { settings } = resolved;
  const passed = takePassedSockets();
  // A socket that shares its port does not fail when the port is in use. A socket that does not share it detects that.
  const parent = new ListeningParent(resolved, passed);
  const opened: { close(how?: CloseOptions): Promise<void> }[] = [];
  const giveUp = async (error: unknown): Promise<never> => {
    await Promise.all(opened.map((each) => each.close({ now: true })));
    parent.abandon();
    throw error;
  };
  const open = async () => openSockets(parent.kernel, parent, reusePortBalances() ? count : 1);
  const sockets = await open().catch(giveUp);
  const start = (place: number, environment: Environment): Child => {
    const { addresses, fds } = inheritPlace(sockets, place, count);
    return startProcess({ kind: 'listeners', addresses }, fds, owner, environment);
  };
  const launch = await SharingLaunch.open(setup, owner, start).catch(giveUp);
  opened.push({ close: () => launch.close() });
  const next = async (current: Launch, why: Replacement): Promise<Launch> => {
    const shared = current instanceof SharingLaunch ? current.shared : null;
    const again = await readAgain();
    await parent.changeTls(again.settings);
    return SharingLaunch.open(again, owner, start, { ...why, shared });
  };
  const generations = new Generations({ launch, next, count, ...timesOf(settings.limits) });
  const view = new ParentView(parent, generations);
  const admin = await startAdmin(settings, view, passed[ADMIN_SOCKET]?.[0]).catch(giveUp);
  if (admin !== null) opened.push(admin);
  const watch = await begin(generations, watched).catch(giveUp);
  const handle = parent.handle(settings, generations, {
    sockets: [...new Set(sockets.flat())],
    onEnd: () => Promise.all([watch?.end(), admin?.close()]).then(() => {}),
  });
  return {
    ...handle,
    get cutOff() {
      return generations.cutOff;
    },
    close: async (how) => {
      view.isClosing = true;
      // Its successor answers from now on.
      if (how?.isReplaced === true) await admin?.close({ now: true, isReplaced: true });
      await handle.close(how);
    },
    adminUrl: admin?.url,
    reload: () => generations.renew('reload'),
    reopenLogs: () => generations.reopenLogs(),
    upgrade: (signal) => {
      const entries = resolved.listeners.map(
        ({ address }, index) => [listenText(address), sockets[index] ?? []] as const,
      );
      const ofAdmin = admin === null ? [] : [[ADMIN_SOCKET, admin.listenerFds] as const];
      return startSuccessor(Object.fromEntries([...entries, ...ofAdmin]), signal);
    },
  };
}

function timesOf({
  drainDelayMs,
  shutdownTimeoutMs,
  hangTimeoutMs,
}: Limits): Pick<GenerationsOptions, 'limitMs' | 'hangTimeoutMs'> {
  return { limitMs: drainDelayMs + shutdownTimeoutMs, hangTimeoutMs };
}

type Environment = SharedContent['environment'];

type Start = (place: number, environment: Environment) => Child;

/** The launch of workers that share a part of their content. */
class SharingLaunch implements Launch {
  readonly shared: SharedContent | null;
  readonly #environment: Environment;
  readonly #start: Start;

  private constructor(shared: SharedContent | null, environment: Environment, start: Start) {
    this.shared = shared;
    this.#environment = { ...environment, ...shared?.environment };
    this.#start = start;
  }

  /**
   * Starts what the workers of `setup` share. `renewal`: what the workers before them share.
   * @throws EpollServerError as {@link SharedContent.share} does.
   */
  static async open(
    { content, settings: { limits }, environment = {} }: Setup,
    owner: ProcessOwner,
    start: Start,
    renewal?: Renewal,
  ): Promise<SharingLaunch> {
    const shared = (await content.share?.({ limits, owner }, renewal)) ?? null;
    return new SharingLaunch(shared, environment, start);
  }

  readonly start = (place: number): Child => this.#start(place, this.#environment);

  async close(limitMs?: number): Promise<void> {
    await this.shared?.close(limitMs);
  }
}

/** Starts the first generation; returns the watch over its files, or null. */
async function begin(generations: Generations, watched: WatchedNames | null): Promise<FileWatch | null> {
  if (watched === null) {
    await generations.begin();
    return null;
  }
  const { FileWatch } = await import('./file-watch.ts');
  const watch = new FileWatch(watched, () => void generations.renew('files changed'));
  try {
    // Watch before the first process reads a file, so that no change is missed.
    await watch.begin();
    await generations.begin();
    return watch;
  } catch (error) {
    await watch.end();
    throw error;
  }
}

/** What the admin listener of a parent shows. */
class ParentView implements AdminView {
  isClosing = false;
  readonly #parent: ListeningParent;
  readonly #generations: Generations;

  constructor(parent: ListeningParent, generations: Generations) {
    this.#parent = parent;
    this.#generations = generations;
  }

  async unready(): Promise<string> {
    if (this.isClosing) return 'draining';
    if (this.#generations.size === 0) return 'starting';
    const gauges = (await this.#generations.snapshot())?.gauges;
    if (gauges === undefined || gauges.serving === 0) return 'no worker serves';
    return gauges.full === gauges.serving ? 'full' : '';
  }

  snapshot(): ReturnType<Generations['snapshot']> {
    return this.#generations.snapshot();
  }

  get places(): readonly string[] {
    return this.#parent.places;
  }
}

/** A worker, which reports what it has counted: whenever its parent asks, and when it ends. */
interface MeasuredChild extends ReactorServer {
  snapshot(): Snapshot | null;
}

/** The answers of the child also show that its loop turns. */
function measuredChild(server: ReactorServer): MeasuredChild {
  const snapshot = (): Snapshot | null => snapshotOf(server);
  onAsked(() => void reportToParent({ snapshot: snapshot() }));
  return Object.assign(server, { snapshot });
}

/** Starts a reactor in the role that its parent gave it, a standalone reactor, or the parent of several. */
export async function startReactor(
  setup: Setup,
  workers: number,
  role: Role,
  own: Omit<ParentOptions, 'count'>,
): Promise<ServerHandle | ReloadableServer | MeasuredChild> {
  if (role.kind === 'listeners') return measuredChild(await serveReactor(setup, { inherited: role.addresses }));
  if (own.watched !== null || workers > 0) return startParent(setup, { ...own, count: Math.max(workers, 1) });
  return serveAdministered(setup, {});
}

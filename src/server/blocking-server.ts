// A server without a reactor: its program says whom it waits for, and meanwhile serves nobody else. The thread
// blocks in the back end's wait, on one client's descriptor or the listener's, with libuv's beside it, through
// which signals come. It must not know who accepts, and who serves whom.

import { Connection } from '../connection/connection.ts';
import { refuseUnwatched } from '../http1/refusal.ts';
import { check, EMFILE, ENFILE, ENOBUFS, ENOMEM } from '../kernel/errno.ts';
import { PREFETCH, READABLE } from '../kernel/kernel.ts';
import { createNativeKernel, type NativeKernel } from '../kernel/native-kernel.ts';
import { logLine } from '../log/log-line.ts';
import { Waiter } from '../reactor/waiter.ts';
import { type Composition, compose } from './composition.ts';
import type { Connect } from './connections.ts';
import { listen, urlOf } from './listener.ts';
import type { ServeOptions } from './options.ts';
import { type Plan, planOf, Resources } from './plan.ts';
import type { Running } from './server.ts';

/** The back end that waits for one descriptor at a time, whatever its number. */
const BACK_END = 'poll';

/** After descriptors or memory ran out, accepting is tried again this much later. */
const EXHAUSTED_PAUSE_MS = 250;

const EXHAUSTED = new Set([EMFILE, ENFILE, ENOBUFS, ENOMEM]);

export interface BlockingOptions {
  /** What the server does until {@link BlockingServer.isClosing}; its end is the server's. */
  readonly work: (server: BlockingServer) => Promise<void>;
  /** A listening descriptor that was inherited; null: it does not listen at all. */
  readonly inherited?: number | null;
  /** Asked to end whatever else belongs to the server when it closes. */
  readonly onClose?: (limitMs: number) => Promise<void>;
}

export class BlockingServer implements Running {
  readonly kernel: NativeKernel;
  readonly url: string;
  readonly backend: string = BACK_END;
  readonly root: string | null;
  /** Resolves when the work is done. */
  readonly finished: Promise<void>;
  /** The listening descriptor; -1: none. */
  readonly listener: number;
  readonly #plan: Plan;
  readonly #resources: Resources;
  readonly #composition: Composition;
  readonly #waiter: Waiter;
  readonly #onClose: (limitMs: number) => Promise<void>;
  #closing: Promise<void> | null = null;
  /** It accepts by itself, and does not leave that to its children. */
  #accepts = false;
  /** Descriptors of clients that were accepted when the server closed. */
  #waiting: number[] = [];

  /** @throws EpollServerError as `serve` does. */
  static async start(options: ServeOptions, blocking: BlockingOptions): Promise<BlockingServer> {
    const plan = await planOf(options);
    const resources = await Resources.open(plan);
    let kernel: NativeKernel | null = null;
    try {
      kernel = createNativeKernel(BACK_END);
      return new BlockingServer(kernel, plan, resources, blocking);
    } catch (error) {
      kernel?.destroy();
      await resources.close();
      throw error;
    }
  }

  private constructor(kernel: NativeKernel, plan: Plan, resources: Resources, blocking: BlockingOptions) {
    const { work, inherited, onClose } = blocking;
    this.kernel = kernel;
    this.root = plan.folders?.root ?? null;
    this.#plan = plan;
    this.#resources = resources;
    this.#onClose = onClose ?? (() => Promise.resolve());
    if (inherited === undefined) this.listener = listen(kernel, plan.place);
    else this.listener = inherited === null ? -1 : check('adopt', kernel.adopt(inherited), 'the inherited socket');
    const address = this.listener < 0 ? undefined : kernel.local(this.listener);
    this.url = address === undefined ? '' : urlOf(address);
    this.#waiter = new Waiter(kernel);
    this.#composition = compose(plan, resources, kernel, this.#waiter, {
      isBlocking: true,
      ...(address === undefined ? {} : { listener: address }),
    });
    this.finished = work(this);
  }

  get isClosing(): boolean {
    return this.#closing !== null;
  }

  /** How many children there may be at once. */
  get maxChildren(): number {
    return this.#plan.limits.maxChildren;
  }

  /**
   * Waits for the listener and accepts: the next client's descriptor, which blocks. When the server closes, those that
   * waited for that already, then -1.
   * The listener itself does not block: a client that leaves, or that another process takes, between the wait
   * and accept(2) would make it deaf to signals.
   */
  async accept(): Promise<number> {
    this.#accepts = true;
    if (!this.isClosing) check('add', this.kernel.add(this.listener, READABLE), 'the listening socket');
    while (!this.isClosing) {
      await this.#waiter.next();
      const fd = this.isClosing ? -1 : this.kernel.acceptBlocking(this.listener);
      if (fd >= 0) {
        this.kernel.remove(this.listener);
        return fd;
      }
      if (EXHAUSTED.has(fd)) await pause(EXHAUSTED_PAUSE_MS);
      // EAGAIN asks by itself; whatever befell one client does not concern the next.
      if (!this.isClosing) this.kernel.rearm(this.listener, READABLE);
    }
    return this.#waiting.shift() ?? -1;
  }

  /** Serves one client to its end: waits for it, receives, answers, and waits for it again. */
  async converse(fd: number): Promise<void> {
    const generation = check('add', this.kernel.add(fd, READABLE | PREFETCH), 'a client');
    const client = this.#composition.connections.open(connect, fd, generation);
    while (client !== null && !client.buried) {
      await this.#waiter.next(client);
      if (client.buried) break;
      client.serve();
      this.#waiter.served();
    }
  }

  /** Takes over a client that another process accepted. */
  adopt(fd: number): number {
    return check('adopt', this.kernel.adopt(fd), 'the inherited socket');
  }

  /** Takes a copy of a client's socket that another thread accepted, and that this thread closes by itself. */
  adoptCopy(fd: number): number {
    return check('dup', this.kernel.adoptCopy(fd), 'the socket of another thread');
  }

  /** Answers 503 and closes: there is no room, or nobody, for this client. Said in one line, unless at the end. */
  turnAway(fd: number, why: string): void {
    if (!this.isClosing) logLine(`a client is turned away: ${why}`);
    // It may have sent nothing yet: nobody waits for that.
    this.kernel.unblock(fd);
    refuseUnwatched(this.kernel, this.#composition.sessions, fd);
    this.kernel.close(fd);
  }

  close({ now = false }: { readonly now?: boolean } = {}): Promise<void> {
    if (now) this.#abort();
    this.#closing ??= this.#close(now);
    return this.#closing;
  }

  /** Takes the clients that wait already, since closing the listener would reset them. */
  #acceptWaiting(): void {
    for (let i = 0; i < this.#plan.limits.backlog; i++) {
      const fd = this.kernel.acceptBlocking(this.listener);
      if (fd < 0) return;
      this.#waiting.push(fd);
    }
  }

  /** Cuts everyone off. */
  #abort(): void {
    for (const fd of this.#waiting.splice(0)) this.kernel.close(fd);
    this.#composition.connections.abort('the server is closing');
  }

  async #close(now: boolean): Promise<void> {
    this.#composition.sessions.stop();
    this.#composition.connections.stop();
    if (this.#accepts && !now) this.#acceptWaiting();
    // A handler may be the caller: let it return first.
    await pause(0);
    const { shutdownTimeoutMs } = this.#plan.limits;
    if (this.listener >= 0) this.kernel.close(this.listener);
    this.#waiter.interrupt();
    const timer = setTimeout(() => this.#abort(), shutdownTimeoutMs);
    await Promise.all([this.finished, this.#onClose(shutdownTimeoutMs)]);
    clearTimeout(timer);
    this.#waiter.end();
    this.kernel.destroy();
    await this.#resources.close();
  }
}

const connect: Connect = (context, fd, generation) => new Connection(context, fd, generation);

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

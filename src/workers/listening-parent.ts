// A process that keeps listeners open for its children and serves no client itself.

import { createNativeKernel, type NativeKernel } from '../kernel/native-kernel.ts';
import { listenText } from '../options/listen-address.ts';
import type { Children } from '../server/blocking-server.ts';
import { type ListenerSpec, type OpenListener, openListeners } from '../server/listener.ts';
import type { ServerSettings } from '../server/options.ts';
import type { ResolvedOptions } from '../server/resolved-options.ts';
import type { CloseOptions, ServerHandle } from '../server/server.ts';
import type { ServerTls } from '../tls/server-tls.ts';
import type { PassedSockets } from './passed-sockets.ts';

/** The end of all children together. */
interface End {
  /** All listening sockets. */
  readonly sockets: readonly number[];
  /** Called when the children have ended. */
  readonly onEnd: () => Promise<void>;
}

export class ListeningParent {
  readonly kernel: NativeKernel;
  /** One for each address. */
  readonly listeners: readonly OpenListener[];
  /** Renews the certificates, which the children use. */
  readonly #tls: ServerTls | null;
  /** The sockets that an earlier version of this program has passed, for each listener; empty: none. */
  readonly passed: readonly (readonly number[])[];

  /**
   * `passed`: sockets of an earlier version of this program, by the address in the options.
   * @throws EpollServerError `ERR_LISTEN`, `ERR_BACKEND`.
   */
  constructor({ settings, listeners, tls }: ResolvedOptions, passed: PassedSockets = {}) {
    this.#tls = tls;
    this.kernel = createNativeKernel(settings.backend);
    try {
      this.passed = listeners.map(({ address }) => passed[listenText(address)] ?? []);
      const specs = listeners.map((spec, index) => this.#passedSpec(spec, index));
      this.listeners = openListeners(this.kernel, specs, tls);
    } catch (error) {
      this.kernel.destroy();
      throw error;
    }
    tls?.start();
  }

  /**
   * Passes certificates by other settings to the children.
   * @throws EpollServerError `ERR_TLS`: what cannot be used, and why. The old settings stay.
   */
  async changeTls({ tls }: ServerSettings): Promise<void> {
    if (tls !== null) await this.#tls?.change(tls);
  }

  #passedSpec(spec: ListenerSpec, index: number): ListenerSpec {
    const [fd] = this.passed[index] ?? [];
    return fd === undefined ? spec : { ...spec, address: { fd }, ip: '', passedFor: spec.address };
  }

  /** The server handle of all children together. */
  handle({ limits }: ServerSettings, children: Children, { sockets, onEnd }: End): ServerHandle {
    const { drainDelayMs, shutdownTimeoutMs } = limits;
    let closing: Promise<void> | null = null;
    let isHandedOver = false;
    return {
      places: this.places,
      backend: this.kernel.traits.name,
      get cutOff() {
        return children.cutOff;
      },
      close: ({ now = false, isReplaced = false }: CloseOptions = {}) => {
        this.#tls?.close();
        if (now && closing !== null) children.cut();
        // The children drain for themselves, so their clients must find the socket until then. A successor keeps it.
        if (!isReplaced && !isHandedOver) {
          if (now || drainDelayMs === 0) this.#removeFiles();
          else setTimeout(() => this.#removeFiles(), drainDelayMs).unref();
        }
        isHandedOver ||= isReplaced;
        // From now on each socket is its children's, who accept what waits and close it. With this copy open, later
        // clients would still be connected, and reset when the last child has ended.
        if (closing === null) for (const fd of sockets) this.kernel.close(fd);
        closing ??= children.stop(now ? 0 : drainDelayMs + shutdownTimeoutMs, isReplaced).then(async () => {
          this.kernel.destroy();
          await onEnd();
        });
        return closing;
      },
    };
  }

  get places(): readonly string[] {
    return this.listeners.map(({ text }) => text);
  }

  /** Closes the listeners. */
  abandon(): void {
    this.#removeFiles();
    this.#tls?.close();
    this.kernel.destroy();
  }

  #removeFiles(): void {
    for (const listener of this.listeners) listener.removeFile();
  }
}

// A process that keeps listeners open for its children and serves no client itself.

import { createNativeKernel, type NativeKernel } from '../kernel/native-kernel.ts';
import { type OpenListener, openListeners } from '../server/listener.ts';
import type { ResolvedOptions } from '../server/resolved-options.ts';
import type { ServerHandle } from '../server/server.ts';
import type { ServerTls } from '../tls/server-tls.ts';

export class ListeningParent {
  readonly kernel: NativeKernel;
  readonly listeners: readonly OpenListener[];
  /** Reports renewals; the children use the certificates. */
  readonly #tls: ServerTls | null;

  /** @throws EpollServerError `ERR_LISTEN`, `ERR_BACKEND`. */
  constructor({ settings, listeners, tls }: ResolvedOptions) {
    this.#tls = tls;
    this.kernel = createNativeKernel(settings.backend);
    try {
      this.listeners = openListeners(this.kernel, listeners, tls);
    } catch (error) {
      this.kernel.destroy();
      throw error;
    }
    tls?.start();
  }

  /** The server handle of all children together. `end` ends them, at once or in order. */
  handle(end: (now: boolean) => Promise<void>): ServerHandle {
    let closing: Promise<void> | null = null;
    return {
      places: this.listeners.map(({ text }) => text),
      backend: this.kernel.traits.name,
      close: ({ now = false } = {}) => {
        this.#removeFiles();
        this.#tls?.close();
        closing ??= end(now).then(() => this.kernel.destroy());
        return closing;
      },
    };
  }

  /** Closes the listeners, since the children could not be started. */
  abandon(): void {
    this.#removeFiles();
    this.#tls?.close();
    this.kernel.destroy();
  }

  #removeFiles(): void {
    for (const listener of this.listeners) listener.removeFile();
  }
}

// A server with its admin listener, if its options name one.

import { OptionsContent, type Setup } from '../server/content.ts';
import { checkOptions } from '../server/options.ts';
import type { ServeOptions } from '../server/serve-options.ts';
import {
  type CloseOptions,
  type ReactorOptions,
  type ReactorServer,
  type Server,
  serveReactor,
} from '../server/server.ts';
import type { AdminView } from './admin-handler.ts';
import { startAdmin } from './admin-server.ts';
import { snapshotOf } from './snapshot.ts';

/** Starts a server, as `serve` does. */
export function startServer(options: ServeOptions): Promise<Server> {
  const settings = checkOptions(options);
  return serveAdministered({ settings, content: new OptionsContent(settings) }, {});
}

/**
 * Starts the admin listener first, so that probes get an answer while the application loads; it closes last.
 * @throws EpollServerError as `serve` does.
 */
export async function serveAdministered(setup: Setup, reactorOptions: ReactorOptions): Promise<ReactorServer> {
  if (setup.settings.admin === undefined) return serveReactor(setup, reactorOptions);
  let server: ReactorServer | null = null;
  const view: AdminView = {
    unready: async () => {
      if (server === null) return 'starting';
      if (server.isClosing) return 'draining';
      return server.isFull ? 'full' : '';
    },
    snapshot: async () => (server === null ? null : snapshotOf(server)),
    get places() {
      return server?.places ?? [];
    },
  };
  const admin = await startAdmin(setup.settings, view);
  try {
    server = await serveReactor(setup, reactorOptions);
  } catch (error) {
    await admin?.close({ now: true });
    throw error;
  }
  return admin === null ? server : withAdmin(server, admin);
}

/** `server`, whose end is the end of `admin` too. */
function withAdmin(server: ReactorServer, admin: ReactorServer): ReactorServer {
  const closeServer = server.close.bind(server);
  const unrefServer = server.unref.bind(server);
  const refServer = server.ref.bind(server);
  let closing: Promise<void> | null = null;
  const close = (options?: CloseOptions): Promise<void> => {
    const closed = closeServer(options);
    closing ??= closed.then(() => admin.close());
    return closing;
  };
  // The signal of the options closes the server itself: the admin listener ends with it.
  return Object.assign(server, {
    adminUrl: admin.url,
    close,
    unref: () => {
      unrefServer();
      admin.unref();
    },
    ref: () => {
      refServer();
      admin.ref();
    },
    [Symbol.asyncDispose]: () => close(),
  });
}

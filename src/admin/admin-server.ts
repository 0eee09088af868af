// The admin listener: a small server of its own beside the server that it shows.

import { EpollServerError } from '../errors.ts';
import { logLine } from '../log/log-line.ts';
import { AddressSet } from '../options/address-set.ts';
import { printable } from '../printable.ts';
import { contentOfHandler } from '../server/content.ts';
import { checkOptions, type ServerSettings } from '../server/options.ts';
import { type ReactorServer, serveReactor } from '../server/server.ts';
import { type AdminView, adminHandler } from './admin-handler.ts';

/** Limits of a listener that only operators and probes use: a flood of it must not cost the server its descriptors. */
const LIMITS = { maxConnections: 64, maxBodyBytes: 0, maxHeaderBytes: 8_192 };
const TIMEOUTS = { shutdownMs: 500, shutdownGraceMs: 0, headerMs: 5_000, firstByteMs: 5_000, keepAliveMs: 30_000 };

/**
 * Starts the admin listener of a server with these settings; null: it has none. `inheritedFd`: its listening socket,
 * which an earlier version of this program opened.
 * @throws EpollServerError `ERR_LISTEN`.
 */
export async function startAdmin(
  settings: ServerSettings,
  view: AdminView,
  inheritedFd?: number,
): Promise<ReactorServer | null> {
  const { admin, backend, onError } = settings;
  if (admin === undefined) return null;
  const handler = adminHandler(view);
  // Checked with the other options.
  const own = checkOptions({ handler, limits: LIMITS, timeouts: TIMEOUTS, serverHeader: '' });
  const server = await serveReactor(
    {
      settings: { ...own, listen: [admin], backend, onError },
      content: { served: null, check: async () => {}, open: async () => contentOfHandler(handler) },
    },
    inheritedFd === undefined ? {} : { inherited: [{ fd: inheritedFd }] },
  ).catch(rethrowForAdmin);
  if (isPublic(server.hostname)) {
    const where = printable(String(server.url));
    logLine(
      `the admin listener ${where} can be reached from other networks: it shows what this server does, without a password`,
    );
  }
  return server;
}

/** Advice on the address of the public listener has its options, which do not change this address. */
function rethrowForAdmin(error: unknown): never {
  if (!(error instanceof EpollServerError)) throw error;
  const text = error.message.replace(/--(?:port|host)/, '--admin');
  throw new EpollServerError(error.code, text, { cause: error.cause });
}

/** Whether others than this machine and its private networks may reach the address. 0.0.0.0 has all addresses. */
function isPublic(address: string | undefined): boolean {
  return address !== undefined && !new AddressSet(['private']).has(address);
}

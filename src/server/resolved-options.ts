// Resolves the options of a server and the host names in them, before anything is opened.

import { Outgoing } from '../connection/outgoing.ts';
import { EpollServerError } from '../errors.ts';
import { type CheckedListen, listenText } from '../options/listen-address.ts';
import { ServerTls } from '../tls/server-tls.ts';
import { openContent, type Setup } from './content.ts';
import { ContentClock } from './content-clock.ts';
import { type ListenerSpec, resolveHost } from './listener.ts';
import type { ServerSettings } from './options.ts';

/** Checked options, with host names resolved. */
export interface ResolvedOptions {
  readonly settings: ServerSettings;
  readonly listeners: readonly ListenerSpec[];
  /** Not started; null: the server has no certificate. */
  readonly tls: ServerTls | null;
}

/**
 * Checks the content too, without opening it.
 * @throws EpollServerError `ERR_OPTION`, `ERR_ROOT`, `ERR_APPLICATION_MODULE`, `ERR_TLS`, `ERR_LISTEN` (an unknown host).
 */
export async function resolveOptions({ settings, content }: Setup): Promise<ResolvedOptions> {
  const { listen, limits } = settings;
  await content.check();
  const tls = settings.tls === null ? null : await ServerTls.open(settings.tls);
  const ips = await Promise.all(listen.map(({ address }) => ('host' in address ? resolveHost(address.host) : '')));
  return { settings, listeners: listenersOf(listen, ips, limits.backlog, tls !== null), tls };
}

/**
 * For a server with a handler whose hosts are numeric. `isEncrypted`: its kernel encrypts.
 * @throws EpollServerError `ERR_OPTION`.
 */
export function resolveHandlerOptions(settings: ServerSettings, isEncrypted: boolean): ResolvedOptions {
  const { listen, limits } = settings;
  const ips = listen.map(({ address }) => ('host' in address ? address.host : ''));
  return { settings, listeners: listenersOf(listen, ips, limits.backlog, isEncrypted), tls: null };
}

/**
 * `ips`: the numeric hosts of `listen`.
 * @throws EpollServerError `ERR_OPTION`: two addresses are the same.
 */
function listenersOf(
  listen: readonly CheckedListen[],
  ips: readonly string[],
  backlog: number,
  hasTls: boolean,
): readonly ListenerSpec[] {
  const names = new Set<string>();
  return listen.map(({ address, options, tls = hasTls }, index) => {
    const ip = ips[index] ?? '';
    const name = listenText('host' in address ? { host: ip, port: address.port } : address);
    // With port 0 each listener gets another port.
    if (names.has(name) && !('port' in address && address.port === 0)) {
      throw new EpollServerError('ERR_OPTION', `listen contains ${name} twice`);
    }
    names.add(name);
    if (tls && !hasTls) {
      throw new EpollServerError('ERR_OPTION', `listen asks for TLS on ${name}, and there is no certificate: set tls`);
    }
    return { address, ip, isShared: false, options: { backlog, ...options, isEncrypted: tls } };
  });
}

/**
 * Performs all steps of starting except listening. Used by a process whose children load the application only when
 * clients connect.
 * @throws EpollServerError as {@link resolveOptions} does, and when an application does not load.
 */
export async function checkLoading(setup: Setup): Promise<void> {
  const { settings } = await resolveOptions(setup);
  await (await openContent(setup.content, settings, new ContentClock(), new Outgoing())).close();
}

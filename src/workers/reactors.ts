// Several processes with a reactor each, on the same addresses. Each has its own listener for each port, among which
// the system distributes the clients (SO_REUSEPORT). Where it does not, all accept on inherited listeners.

import { reusePortBalances } from '../kernel/native-kernel.ts';
import type { Setup } from '../server/content.ts';
import { resolveOptions } from '../server/resolved-options.ts';
import { type ServerHandle, serveReactor } from '../server/server.ts';
import { startProcess } from './child-process.ts';
import type { WatchedNames } from './file-watch.ts';
import { inheritAll, sharePorts } from './inheritance.ts';
import { ListeningParent } from './listening-parent.ts';
import type { Role } from './role.ts';
import { WorkerGroup } from './worker-group.ts';

/** Starts the parent: it keeps the ports and the group, and serves no client. */
export async function startReactors(setup: Setup, count: number): Promise<ServerHandle> {
  const resolved = await resolveOptions(setup);
  // A socket that shares its port does not fail when the port is in use. A socket that does not share it detects that.
  const parent = new ListeningParent(resolved);
  const { kernel, listeners } = parent;
  try {
    const { addresses, fds } = reusePortBalances() ? sharePorts(kernel, listeners) : inheritAll(listeners);
    const group = new WorkerGroup(count);
    await group.keepFull(() => startProcess({ kind: 'listeners', addresses }, fds));
    return parent.handle((now) => group.stop(now ? 0 : resolved.settings.limits.shutdownTimeoutMs));
  } catch (error) {
    parent.abandon();
    throw error;
  }
}

/** Starts a reactor in the role that its parent gave it, a standalone reactor, or the parent of several. */
export async function startReactor(
  setup: Setup,
  workers: number,
  role: Role,
  watched: WatchedNames | null,
): Promise<ServerHandle> {
  if (role.kind === 'listeners') return serveReactor(setup, { inherited: role.addresses });
  if (watched !== null) {
    const { startReloading } = await import('./reloading.ts');
    return startReloading(setup, Math.max(workers, 1), watched);
  }
  return workers > 0 ? startReactors(setup, workers) : serveReactor(setup, {});
}

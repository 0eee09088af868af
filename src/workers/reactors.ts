// Several processes with a reactor each, on the same addresses: every one has a listener of its own for each port, and
// the system shares the clients among them (SO_REUSEPORT); where it does not, all accept on inherited listeners.

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

/** The parent: it keeps the ports and the group, and serves no client. */
export async function startReactors(setup: Setup, count: number): Promise<ServerHandle> {
  const resolved = await resolveOptions(setup);
  // A socket that shares its port does not notice that the port was taken before: one that does not share finds out.
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

/** A reactor in the role that its parent gave it, or alone, or the parent of others. */
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

// Several processes with a reactor each, on one port: every one has its own listener, and the system shares the
// clients among them (SO_REUSEPORT); where it does not, all accept on one inherited listener.

import { createNativeKernel, reusePortBalances } from '../kernel/native-kernel.ts';
import { listen, urlOf } from '../server/listener.ts';
import type { ServeOptions } from '../server/options.ts';
import { planOf, Resources } from '../server/plan.ts';
import { type Running, serveVariant } from '../server/server.ts';
import { startProcess } from './child-process.ts';
import { Crew } from './crew.ts';
import type { WatchedNames } from './file-watch.ts';
import { INHERITED_FD, type Role } from './role.ts';

/** The parent: it keeps the port and the crew, and serves nobody. */
export async function startReactors(options: ServeOptions, count: number): Promise<Running> {
  const plan = await planOf({ ...options, offload: 0 });
  // An application that cannot be loaded is said here, once, and not by each child.
  await (await Resources.open(plan)).close();
  const kernel = createNativeKernel(options.backend);
  const isShared = reusePortBalances();
  try {
    // Whoever shares a port does not notice that it was taken before: one that does not share finds out.
    let listener = listen(kernel, plan.place);
    const { port } = kernel.local(listener);
    if (isShared) {
      kernel.close(listener);
      listener = listen(kernel, { ...plan.place, port, shared: true, backlog: -1 });
    }
    const role: Role = isShared ? { kind: 'sharing', port } : { kind: 'listener', fd: INHERITED_FD };
    const crew = new Crew(count);
    await crew.keepFull(() => startProcess(role, isShared ? 'ignore' : listener));
    let closing: Promise<void> | null = null;
    return {
      url: urlOf(kernel.local(listener)),
      backend: kernel.traits.name,
      root: plan.folders?.root ?? null,
      close: ({ now = false } = {}) => {
        closing ??= crew.dismiss(now ? 0 : plan.limits.shutdownTimeoutMs).then(() => kernel.destroy());
        return closing;
      },
    };
  } catch (error) {
    kernel.destroy();
    throw error;
  }
}

/** A reactor in the role that its parent gave it, or alone, or the parent of others. */
export async function startReactor(
  options: ServeOptions,
  workers: number,
  role: Role,
  watched: WatchedNames | null,
): Promise<Running> {
  if (role.kind === 'sharing') return serveVariant({ ...options, port: role.port }, { isShared: true });
  if (role.kind === 'listener') return serveVariant(options, { inherited: role.fd });
  if (watched !== null) {
    const { startReloading } = await import('./reloading.ts');
    return startReloading(options, Math.max(workers, 1), watched);
  }
  return workers > 0 ? startReactors(options, workers) : serveVariant(options, {});
}

#!/usr/bin/env node
// Multiprocess: one process per client.
//
// How it works: the parent waits for the listener and accepts. It starts this same program once per client; the child
// inherits the socket as descriptor 3, and the parent closes its copy. The child serves its client as the iterative
// server does, and exits when the connection ends. With --workers N, N processes are started first. Each accepts and
// serves one client after the other, on one inherited listener.
//
// (Unix servers use fork(2). Node.js cannot: its threads do not survive a fork. So the child is spawned.)
//
// Good for: isolation: a crash, a leak or an endless loop affects one client only. Where it breaks: a process takes 230
// ms of CPU time to start and 12 MiB of its own (measured). Five new clients a second use up a core, and `maxChildren`
// (64) limits the number of processes.
//
//   node dist/multiprocess-server.js [PORT] [FOLDER | MODULE:NAME] [--workers N]

import type { Serving } from './cli/model.ts';
import { main } from './cli/program.ts';
import { messageOf } from './errors.ts';
import { type AcceptedClient, BlockingServer } from './server/blocking-server.ts';
import type { Setup } from './server/content.ts';
import { checkLoading } from './server/resolved-options.ts';
import { startProcess } from './workers/child-process.ts';
import { inheritAll } from './workers/inheritance.ts';
import { INHERITED_FD, type Role } from './workers/role.ts';
import { WorkerGroup } from './workers/worker-group.ts';

void main(process.argv.slice(2), {
  name: 'multiprocess',
  workers: 'processes',
  isBlocking: true,
  backend: 'poll',
  start,
});

function start(setup: Setup, workers: number, role: Role): Promise<Serving> {
  if (role.kind === 'client') return serveOne(setup, role.client);
  if (role.kind === 'listeners') return BlockingServer.start(setup, { inherited: role.addresses, work: serveClients });
  return workers > 0 ? startWorkers(setup, workers) : startParent(setup);
}

/** Starts the parent, which spawns a process per client. */
async function startParent(setup: Setup): Promise<Serving> {
  await checkLoading(setup);
  let group: WorkerGroup | null = null;
  return BlockingServer.start(setup, {
    isParent: true,
    children: () => group,
    work: async (server) => {
      group = new WorkerGroup(server.maxChildren);
      for (;;) {
        await group.room();
        const client = await server.accept();
        if (client === null) return;
        if (server.isClosing) server.reject(client, 'the server is closing');
        else handOff(server, group, client, setup);
      }
    },
  });
}

/**
 * The child owns the client once it has reported that it started. Until then the parent keeps the descriptor, if only
 * to send the 503.
 */
function handOff(server: BlockingServer, group: WorkerGroup, client: AcceptedClient, { environment }: Setup): void {
  try {
    const role: Role = { kind: 'client', client: { ...client, fd: INHERITED_FD } };
    const child = startProcess(role, [client.fd], {}, environment);
    child.started.then(
      () => server.kernel.close(client.fd),
      (error: Error) => server.reject(client, `${child.name} did not start: ${error.message}`),
    );
    group.join(child);
  } catch (error) {
    server.reject(client, messageOf(error));
  }
}

/** Serves the one client of a child process. */
function serveOne(setup: Setup, client: AcceptedClient): Promise<Serving> {
  return BlockingServer.start(setup, { inherited: null, work: (server) => server.converse(server.adopt(client)) });
}

/** Starts the parent of preforked processes: it listens and keeps their number constant, and never accepts. */
async function startWorkers(setup: Setup, count: number): Promise<Serving> {
  const group = new WorkerGroup(count);
  const server = await BlockingServer.start(setup, {
    isParent: true,
    children: () => group,
    work: (parent) => {
      const { addresses, fds } = inheritAll(parent.listeners);
      return group.keepFull(() => startProcess({ kind: 'listeners', addresses }, fds, {}, setup.environment));
    },
  });
  await server.finished;
  const { places, backend } = server;
  return {
    places,
    backend,
    get cutOff() {
      return server.cutOff;
    },
    close: (how) => server.close(how),
  };
}

/** Runs one preforked process: an iterative server. */
async function serveClients(server: BlockingServer): Promise<void> {
  for (;;) {
    const client = await server.accept();
    if (client === null) return;
    await server.converse(client);
  }
}

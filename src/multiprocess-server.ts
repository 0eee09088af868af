#!/usr/bin/env node
// Multiprocess: a process for each client.
//
// How it works: the parent waits for the listener and accepts. Each client gets a process of its own, this same
// program, which inherits the socket as descriptor 3; the parent closes its copy and forgets the client.
// The child talks to its client as the iterative server does, and ends with it. With --workers N, N processes
// are made first and each accepts and serves one client after the other, all on one inherited listener.
//
// (Unix servers fork(2). Node.js cannot: its threads do not survive it. So a child is spawned.)
//
// Good for: clients that must not harm each other: a crash, a leak or an endless loop is one client's. Where it
// breaks: a process costs 230 ms of CPU time to start and 12 MiB of its own (measured): five new clients a second fill
// a core, and `maxChildren` (64) bounds how many there are.
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

void main(process.argv.slice(2), { name: 'multiprocess', workers: 'processes', backend: 'poll', start });

function start(setup: Setup, workers: number, role: Role): Promise<Serving> {
  if (role.kind === 'client') return serveOne(setup, role.client);
  if (role.kind === 'listeners') return BlockingServer.start(setup, { inherited: role.addresses, work: serveClients });
  return workers > 0 ? startWorkers(setup, workers) : startParent(setup);
}

/** The parent of a process for each client. */
async function startParent(setup: Setup): Promise<Serving> {
  await checkLoading(setup);
  let group: WorkerGroup | null = null;
  return BlockingServer.start(setup, {
    isParent: true,
    onClose: async (limitMs) => group?.stop(limitMs),
    work: async (server) => {
      group = new WorkerGroup(server.maxChildren);
      for (;;) {
        await group.room();
        const client = await server.accept();
        if (client === null) return;
        if (server.isClosing) server.reject(client, 'the server is closing');
        else handOff(server, group, client);
      }
    },
  });
}

/** The client is the child's as soon as the child says so; until then it is ours, if only to be turned away. */
function handOff(server: BlockingServer, group: WorkerGroup, client: AcceptedClient): void {
  try {
    const child = startProcess({ kind: 'client', client: { ...client, fd: INHERITED_FD } }, [client.fd]);
    child.taken.then(
      () => server.kernel.close(client.fd),
      (error: Error) => server.reject(client, `${child.name} did not begin: ${error.message}`),
    );
    group.join(child);
  } catch (error) {
    server.reject(client, messageOf(error));
  }
}

/** A child with one client. */
function serveOne(setup: Setup, client: AcceptedClient): Promise<Serving> {
  return BlockingServer.start(setup, { inherited: null, work: (server) => server.converse(server.adopt(client)) });
}

/** The parent of processes that were made first: it listens and keeps their number, and never accepts. */
async function startWorkers(setup: Setup, count: number): Promise<Serving> {
  const group = new WorkerGroup(count);
  const server = await BlockingServer.start(setup, {
    isParent: true,
    onClose: (limitMs) => group.stop(limitMs),
    work: (parent) => {
      const { addresses, fds } = inheritAll(parent.listeners);
      return group.keepFull(() => startProcess({ kind: 'listeners', addresses }, fds));
    },
  });
  await server.finished;
  const { places, backend } = server;
  return { places, backend, close: (how) => server.close(how) };
}

/** One of those: an iterative server. */
async function serveClients(server: BlockingServer): Promise<void> {
  for (;;) {
    const client = await server.accept();
    if (client === null) return;
    await server.converse(client);
  }
}

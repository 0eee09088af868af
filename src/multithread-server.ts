#!/usr/bin/env node
// Multithread: a thread for each client.
//
// How it works: the main thread waits for the listener and accepts. Each client gets a worker thread, which
// duplicates the descriptor (threads of a process share the table) and talks to its client as the iterative
// server does. With --workers N, N threads are made first, and each is handed the next client when it
// is free.
//
// Good for: handlers that compute, on as many processors as there are. Where it breaks: a worker thread is a
// whole JavaScript engine of its own: 180 ms of CPU time to start and 12 MiB (measured), so six new clients a second
// fill a core, and `maxChildren` (64) bounds how many there are. What crashes the process, as a native addon can,
// takes all clients with it.
//
//   node dist/multithread-server.js [PORT] [FOLDER | MODULE:NAME] [--workers N]

import type { Serving } from './cli/model.ts';
import { main } from './cli/program.ts';
import { messageOf } from './errors.ts';
import { type AcceptedClient, BlockingServer } from './server/blocking-server.ts';
import type { Setup } from './server/content.ts';
import { checkLoading } from './server/resolved-options.ts';
import { startThread } from './workers/child-thread.ts';
import { Pool } from './workers/pool.ts';
import { handedClients, type Role, tellParent } from './workers/role.ts';
import { WorkerGroup } from './workers/worker-group.ts';

const PROGRAM = new URL(import.meta.url);

void main(process.argv.slice(2), { name: 'multithread', workers: 'threads', backend: 'poll', start });

function start(setup: Setup, workers: number, role: Role): Promise<Serving> {
  if (role.kind === 'client') return serveOne(setup, role.client);
  if (role.kind === 'pool') return BlockingServer.start(setup, { inherited: null, work: serveHanded });
  return workers > 0 ? startPool(setup, workers) : startParent(setup);
}

/** The main thread, with a thread for each client. */
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

/** Starts a thread for a client. The thread takes a copy of the socket; this descriptor stays the main thread's. */
function handOff(server: BlockingServer, group: WorkerGroup, client: AcceptedClient): void {
  try {
    const thread = startThread(PROGRAM, { kind: 'client', client });
    thread.taken.then(
      () => server.kernel.close(client.fd),
      (error: Error) => server.reject(client, `${thread.name} did not begin: ${error.message}`),
    );
    group.join(thread);
  } catch (error) {
    // The system has no thread or memory left.
    server.reject(client, messageOf(error));
  }
}

/** A thread with one client. */
function serveOne(setup: Setup, client: AcceptedClient): Promise<Serving> {
  return BlockingServer.start(setup, {
    inherited: null,
    work: (server) => server.converse(server.adoptCopy(client)),
  });
}

/** The main thread, with threads that were made first. */
async function startPool(setup: Setup, count: number): Promise<Serving> {
  const group = new WorkerGroup(count);
  const pool = new Pool();
  const server = await BlockingServer.start(setup, {
    isParent: true,
    onClose: (limitMs) => {
      pool.close();
      return group.stop(limitMs);
    },
    work: async (main) => {
      for (;;) {
        const thread = await pool.free();
        const client = await main.accept();
        if (client === null) return;
        if (thread === null || main.isClosing) main.reject(client, 'the server is closing');
        else thread.hand(client, () => main.kernel.close(client.fd));
      }
    },
  });
  await group.keepFull(() => {
    const thread = pool.add(startThread(PROGRAM, { kind: 'pool' }));
    void thread.ended.then((how) => {
      if (thread.inHand !== null) server.reject(thread.inHand, `${thread.name} died: ${how}`);
    });
    return thread;
  });
  return server;
}

/** One of those: serves whomever it is handed, one after the other. */
async function serveHanded(server: BlockingServer): Promise<void> {
  tellParent('taken');
  tellParent('free');
  for await (const client of handedClients()) {
    const copy = server.adoptCopy(client);
    tellParent('adopted');
    await server.converse(copy);
    tellParent('free');
  }
}

#!/usr/bin/env node
// Multithread: one thread per client.
//
// How it works: the main thread waits for the listener and accepts. Each client gets a worker thread. It duplicates the
// descriptor (threads of a process share the table) and serves its client as the iterative server does. With --workers
// N, N threads are started first, and each receives the next client when it is free.
//
// Good for: handlers that compute, on several processors. Where it breaks: a worker thread is a whole JavaScript
// engine. It takes 180 ms of CPU time to start and 12 MiB (measured). Six new clients a second use up a core, and
// `maxChildren` (64) limits the number of threads. A crash of the process, for example in a native addon, ends all
// connections.
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
import { handedClients, type Role, reportToParent } from './workers/role.ts';
import { WorkerGroup } from './workers/worker-group.ts';

const PROGRAM = new URL(import.meta.url);

void main(process.argv.slice(2), { name: 'multithread', workers: 'threads', isBlocking: true, backend: 'poll', start });

function start(setup: Setup, workers: number, role: Role): Promise<Serving> {
  if (role.kind === 'client') return serveOne(setup, role.client);
  if (role.kind === 'pool') return BlockingServer.start(setup, { inherited: null, work: serveHanded });
  return workers > 0 ? startPool(setup, workers) : startParent(setup);
}

/** Starts the main thread, which starts a thread per client. */
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

/** Starts a thread for a client. The thread duplicates the socket; the main thread closes this descriptor. */
function handOff(server: BlockingServer, group: WorkerGroup, client: AcceptedClient, { environment }: Setup): void {
  try {
    const thread = startThread(PROGRAM, { kind: 'client', client }, environment);
    thread.started.then(
      () => server.kernel.close(client.fd),
      (error: Error) => server.reject(client, `${thread.name} did not start: ${error.message}`),
    );
    group.join(thread);
  } catch (error) {
    // The system has no thread or memory left.
    server.reject(client, messageOf(error));
  }
}

/** Serves the one client of a thread. */
function serveOne(setup: Setup, client: AcceptedClient): Promise<Serving> {
  return BlockingServer.start(setup, {
    inherited: null,
    work: (server) => server.converse(server.adoptCopy(client)),
  });
}

/** Starts the main thread and its pool of threads. */
async function startPool(setup: Setup, count: number): Promise<Serving> {
  const group = new WorkerGroup(count);
  const pool = new Pool();
  const server = await BlockingServer.start(setup, {
    isParent: true,
    children: () => ({
      cutOff: group.cutOff,
      stop: (limitMs) => {
        pool.close();
        return group.stop(limitMs);
      },
      cut: () => group.cut(),
    }),
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
    const thread = pool.add(startThread(PROGRAM, { kind: 'pool' }, setup.environment));
    void thread.ended.then((how) => {
      if (thread.inHand !== null) server.reject(thread.inHand, `${thread.name} died: ${how}`);
    });
    return thread;
  });
  return server;
}

/** Runs one thread of the pool: serves the clients it receives, one after the other. */
async function serveHanded(server: BlockingServer): Promise<void> {
  void reportToParent('started');
  void reportToParent('free');
  for await (const client of handedClients()) {
    const copy = server.adoptCopy(client);
    void reportToParent('adopted');
    await server.converse(copy);
    void reportToParent('free');
  }
}

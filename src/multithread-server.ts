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
import { BlockingServer } from './server/blocking-server.ts';
import type { ServeOptions } from './server/options.ts';
import { startThread } from './workers/child-thread.ts';
import { Crew } from './workers/crew.ts';
import { Pool } from './workers/pool.ts';
import { handedClients, type Role, tellParent } from './workers/role.ts';

const PROGRAM = new URL(import.meta.url);

await main(process.argv.slice(2), { name: 'multithread', workers: 'threads', backend: 'poll', start });

function start(options: ServeOptions, workers: number, role: Role): Promise<Serving> {
  if (role.kind === 'client') return serveOne(options, role.fd);
  if (role.kind === 'pool') return BlockingServer.start(options, { inherited: null, work: serveHanded });
  return workers > 0 ? startPool(options, workers) : startParent(options);
}

/** The main thread, with a thread for each client. */
async function startParent(options: ServeOptions): Promise<Serving> {
  let crew: Crew | null = null;
  return BlockingServer.start(options, {
    onClose: async (limitMs) => crew?.dismiss(limitMs),
    work: async (server) => {
      crew = new Crew(server.maxChildren);
      for (;;) {
        await crew.room();
        const client = await server.accept();
        if (client < 0) return;
        if (server.isClosing) server.turnAway(client, 'the server is closing');
        else giveAway(server, crew, client);
      }
    },
  });
}

/** Starts a thread for a client. The thread takes a copy of the socket; this descriptor stays the main thread's. */
function giveAway(server: BlockingServer, crew: Crew, client: number): void {
  try {
    const thread = startThread(PROGRAM, { kind: 'client', fd: client });
    thread.taken.then(
      () => server.kernel.close(client),
      (error: Error) => server.turnAway(client, `${thread.name} did not begin: ${error.message}`),
    );
    crew.join(thread);
  } catch (error) {
    // The system has no thread or memory left.
    server.turnAway(client, messageOf(error));
  }
}

/** A thread with one client. */
function serveOne(options: ServeOptions, fd: number): Promise<Serving> {
  return BlockingServer.start(options, { inherited: null, work: (server) => server.converse(server.adoptCopy(fd)) });
}

/** The main thread, with threads that were made first. */
async function startPool(options: ServeOptions, count: number): Promise<Serving> {
  const crew = new Crew(count);
  const pool = new Pool();
  const server = await BlockingServer.start(options, {
    onClose: (limitMs) => {
      pool.close();
      return crew.dismiss(limitMs);
    },
    work: async (main) => {
      for (;;) {
        const thread = await pool.free();
        const client = await main.accept();
        if (client < 0) return;
        if (thread === null || main.isClosing) main.turnAway(client, 'the server is closing');
        else thread.hand(client, () => main.kernel.close(client));
      }
    },
  });
  await crew.keepFull(() => {
    const thread = pool.add(startThread(PROGRAM, { kind: 'pool' }));
    void thread.ended.then((how) => {
      if (thread.inHand >= 0) server.turnAway(thread.inHand, `${thread.name} died: ${how}`);
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
    const fd = server.adoptCopy(client);
    tellParent('adopted');
    await server.converse(fd);
    tellParent('free');
  }
}

#!/usr/bin/env node
// Iterative: one client at a time; the others wait in the backlog until it has left.
//
// How it works: wait for the listener (poll(2), with the descriptor through which libuv hears of signals beside
// it), accept, and then talk to that one client alone: wait, receive, answer, until it or its time ends. No
// descriptor but the one client's is ever waited for, so there is nothing to schedule and nothing to share.
//
// Good for: seeing what a server is, and a service with one user. Where it breaks: at the second client. A
// browser that keeps its connection open blocks everyone else for `keepAliveTimeoutMs` (75 s).
//
//   node dist/iterative-server.js [PORT] [FOLDER | MODULE:NAME]

import { main } from './cli/program.ts';
import { BlockingServer } from './server/blocking-server.ts';

void main(process.argv.slice(2), {
  name: 'iterative',
  backend: 'poll',
  start: (setup) => BlockingServer.start(setup, { work: serveClients }),
});

async function serveClients(server: BlockingServer): Promise<void> {
  for (;;) {
    const client = await server.accept();
    if (client === null) return;
    await server.converse(client);
  }
}

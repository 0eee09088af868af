#!/usr/bin/env node
// Iterative: one client at a time; the others wait in the backlog until its connection is closed.
//
// How it works: wait for the listener (poll(2), beside the descriptor through which libuv receives signals), and
// accept. Then serve that one client: wait, receive, respond, until its connection ends or times out. Only this
// client's descriptor is waited for, so there is nothing to schedule or share.
//
// Good for: learning what a server is, and a service with one user. Where it breaks: at the second client. A browser
// that keeps its connection open blocks all others for `keepAliveTimeoutMs` (75 s).
//
//   node dist/iterative-server.js [PORT] [FOLDER | MODULE:NAME]

import { main } from './cli/program.ts';
import { BlockingServer } from './server/blocking-server.ts';

void main(process.argv.slice(2), {
  name: 'iterative',
  isBlocking: true,
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

#!/usr/bin/env node
// Epoll: one thread, one loop, every client in turn, as its descriptor becomes ready. The product.
//
// How it works: the kernel keeps the set of all clients, epoll_wait(2) hands out those to whom something
// happened, once for each change (edge-triggered). A turn of the loop serves each of them a bounded amount.
// Nothing is done for a client that is silent: with 10,000 of them a request costs what it costs without.
//
// Good for: everything that waits more than it computes. Where it breaks: a handler that computes for long
// delays everyone on its thread. --workers N makes N processes, each with a loop and a listener of its own,
// among which the kernel shares the clients (SO_REUSEPORT).
//
//   node dist/epoll-server.js [PORT] [FOLDER] [MODULE:NAME] [--workers N]

// A Node.js that is too old understands nothing of the other files: it is refused before they are loaded.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`epoll-server: Node.js ${process.versions.node} is too old: epoll-server needs Node.js 20.19 or later`);
  process.exit(1);
}

const loaded = Promise.all([import('./cli/program.ts'), import('./workers/reactors.ts')]);
void loaded.then(([{ main }, { startReactor }]) =>
  main(
    process.argv.slice(2),
    { name: 'epoll', workers: 'processes', watches: true, start: startReactor },
    {
      iterative: () => import('./iterative-server.ts'),
      multiprocess: () => import('./multiprocess-server.ts'),
      multithread: () => import('./multithread-server.ts'),
      coroutine: () => import('./coroutine-server.ts'),
      nonblocking: () => import('./nonblocking-server.ts'),
      select: () => import('./select-server.ts'),
      poll: () => import('./poll-server.ts'),
      epoll: () => Promise.resolve(),
    },
  ),
);

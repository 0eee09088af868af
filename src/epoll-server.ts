#!/usr/bin/env node
// Epoll: one thread, one event loop, all clients. The product.
//
// How it works: the kernel keeps the set of all clients. epoll_wait(2) returns those whose state changed, once for each
// change (edge-triggered). A turn of the loop does a bounded amount of work for each of them. An idle client costs
// nothing: with 10,000 of them a request costs as much as without.
//
// Good for: programs that wait more than they compute. Where it breaks: a handler that computes for long delays every
// client of its thread. --workers N starts N processes, each with its own loop and listener; the kernel distributes the
// clients (SO_REUSEPORT).
//
//   node dist/epoll-server.js [PORT] [FOLDER] [MODULE:NAME] [--workers N]

// Checked before the other files are loaded: an old Node.js cannot parse them.
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

// Compiles the addon for this machine from the package's own sources, into build/Release of the package, where it is
// looked for first. Needs a C++17 compiler (g++ 8 or clang++ 7 and later; CXX names another one) and the headers of
// Node.js; napi.h is that of node-addon-api, a dependency. An installed package needs it only where no binary fits:
//   node node_modules/epoll-server/scripts/compile.js
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileHere } from './addon.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
try {
  await compileHere(root);
  process.stdout.write(`compiled ${join(root, 'build', 'Release', 'epoll_server.node')}\n`);
} catch (error) {
  process.stderr.write(`epoll-server: the addon cannot be compiled: ${error.message}\n`);
  process.exit(1);
}

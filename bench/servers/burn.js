// Serves a folder and, in the same process, an application that computes 50 ms per request: in the event loop, or in a
// pool with the given number of threads.
//   node bench/servers/burn.js FOLDER THREADS
import { fileURLToPath } from 'node:url';
import { loadApplication, serve } from '../../dist/index.js';
import { announce } from './control.js';

const [root, threads] = process.argv.slice(2);
const app = fileURLToPath(new URL('burning.js', import.meta.url));
const files = await serve({ port: 0, static: root });
const handler = await loadApplication(app, { threads: Number(threads) });
const burning = await serve({ port: 0, handler, timeouts: { handlerMs: 0 } });
announce(files.port, () => ({ port: burning.port }));

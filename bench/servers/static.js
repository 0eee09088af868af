// Serves a folder, the first argument; the second is the limit of files that are kept open.

import { tuneCompiler } from '../../build/modules/server/compiler.js';
import { serve } from '../../dist/index.js';
import { announce } from './control.js';

// As the command does for itself.
tuneCompiler();
const [root, files] = process.argv.slice(2);
const limits = files === undefined ? {} : { maxOpenFiles: Number(files) };
const server = await serve({ port: 0, serverHeader: '', static: root, limits });
announce(server.port, () => server.stats());

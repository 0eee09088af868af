// Serves the folder that it is given.
import { serve } from '../../dist/index.js';
import { announce } from './control.js';

const server = await serve({ port: 0, serverHeader: '', root: process.argv[2] });
announce(server.address.port, () => server.stats());

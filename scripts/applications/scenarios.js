// All scenarios, by name.
import { BASICS } from './scenarios/basics.js';
import { CLIENTS } from './scenarios/clients.js';
import { CONNECTIONS } from './scenarios/connections.js';
import { EXPRESS } from './scenarios/express.js';
import { FRAMEWORKS } from './scenarios/frameworks.js';
import { MIDDLEWARE } from './scenarios/middleware.js';
import { MISUSE } from './scenarios/misuse.js';
import { SERVERS } from './scenarios/servers.js';
import { SOCKETS } from './scenarios/sockets.js';

export const SCENARIOS = {
  ...BASICS,
  ...MISUSE,
  ...CONNECTIONS,
  ...SERVERS,
  ...EXPRESS,
  ...FRAMEWORKS,
  ...MIDDLEWARE,
  ...SOCKETS,
  ...CLIENTS,
};

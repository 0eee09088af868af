// `node --import epoll-server/register`: the servers of node:http and node:https become those of this package.
import { register } from './node/register.ts';

register();

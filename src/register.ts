// `node --import epoll-server/register`: http.createServer and http.Server become those of this package.
import { register } from './node/register.ts';

register();

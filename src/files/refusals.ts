// What becomes of a path that gives no file: what the client is told, and what the log says.

import type { Refusal } from './file-source.ts';

/** `malformed`: no path at all. */
export type SiteRefusal = Refusal | 'malformed';

/** The status, and a sentence for whoever sees it. */
export const REFUSAL_ANSWERS: Readonly<Record<SiteRefusal, readonly [number, string]>> = {
  malformed: [400, 'This address is malformed.'],
  missing: [404, 'There is no such page here.'],
  directory: [404, 'There is no such page here.'],
  forbidden: [403, 'This file may not be read.'],
  exhausted: [503, 'The server has no room for this file right now.'],
  busy: [503, 'The server has no room for this file right now.'],
  failed: [500, 'This file could not be read.'],
};

/** What is written in the log when a file that is there cannot be sent. */
export const REFUSAL_PROBLEMS: Readonly<Partial<Record<SiteRefusal, string>>> = {
  forbidden: 'permission denied: let the server read this file and enter the folders above it',
  exhausted: 'no descriptors or memory left: raise the limit of open files (ulimit -n), or serve fewer clients',
  busy: 'too many requests wait for the disk: it is slower than clients ask (maxFileQueue)',
  failed: 'the disk or file system reports an error',
};

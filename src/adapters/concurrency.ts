// Whether other threads or processes run the application too, as WSGI reports it (PEP 3333, "environ Variables").

import { isMainThread } from 'node:worker_threads';

export interface Concurrency {
  /** Other processes run the application too. Set before the application is loaded. */
  isMultiprocess: boolean;
  /** Other threads of this process run the application too: the server starts threads for no other purpose. */
  readonly isMultithread: boolean;
}

/** The values of this thread. */
export const concurrency: Concurrency = { isMultiprocess: false, isMultithread: !isMainThread };

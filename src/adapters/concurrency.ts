// What runs copies of the application beside this thread's, as WSGI asks (PEP 3333, "environ Variables").

import { isMainThread } from 'node:worker_threads';

export interface Concurrency {
  /** Other processes run it too: set by what starts them, before the application is loaded. */
  isMultiprocess: boolean;
  /** Other threads of this process run it too: the server starts threads for nothing else. */
  readonly isMultithread: boolean;
}

/** Of this thread. */
export const concurrency: Concurrency = { isMultiprocess: false, isMultithread: !isMainThread };

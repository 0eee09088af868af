// The names of the models: programs that differ by how they serve many clients.

/** In the order of history, more or less. */
export const MODEL_NAMES = [
  'iterative',
  'multiprocess',
  'multithread',
  'coroutine',
  'nonblocking',
  'select',
  'poll',
  'epoll',
] as const;

export type ModelName = (typeof MODEL_NAMES)[number];

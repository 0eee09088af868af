// What handled a request: the label of its metrics.

export const SERVED_BY = { NONE: 0, FILES: 1, RAW: 2, FETCH: 3, WSGI: 4, NODE: 5, OFFLOAD: 6, UPSTREAM: 7 } as const;

/** The names of {@link SERVED_BY}, by number. `none`: the server rejected the request itself. */
export const SERVED_BY_NAMES = ['none', 'files', 'raw', 'fetch', 'wsgi', 'node', 'offload', 'upstream'] as const;

export type ServedBy = (typeof SERVED_BY)[keyof typeof SERVED_BY];

// `epoll-server/static`: static files as a handler.

export type { FileStats } from './files/file-counters.ts';
export { type StaticFilesOptions, type StaticHandler, staticFiles } from './files/static-files.ts';
export type { Handler } from './http/handler.ts';
export type { CacheRule } from './options/cache-rule.ts';
export type { HostOptions, StaticOptions } from './options/option-types.ts';

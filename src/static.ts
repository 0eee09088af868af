// `epoll-server/static`: static files as a handler.

export type { CacheRule } from './files/cache-rules.ts';
export type { FileStats } from './files/file-counters.ts';
export type { HostOptions, SiteOptions } from './files/site-options.ts';
export { type StaticFilesOptions, type StaticHandler, type StaticOptions, staticFiles } from './files/static-files.ts';
export type { Handler } from './http/handler.ts';

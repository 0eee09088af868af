// How an option is written: as a flag and as a variable of the environment.

/** What all variables begin with. */
export const VARIABLE_PREFIX = 'EPOLL_SERVER_';

/** `keepAliveTimeoutMs` -> `keep-alive-timeout-ms`, which is its flag. */
export function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `keepAliveTimeoutMs` -> `EPOLL_SERVER_KEEP_ALIVE_TIMEOUT_MS`. */
export function variableOf(name: string): string {
  return VARIABLE_PREFIX + kebab(name).replaceAll('-', '_').toUpperCase();
}

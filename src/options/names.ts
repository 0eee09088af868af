// The names of an option as a flag and as an environment variable.

/** The prefix of all variables. */
export const VARIABLE_PREFIX = 'EPOLL_SERVER_';

/** The flag's name: `keepAliveTimeoutMs` -> `keep-alive-timeout-ms`. */
export function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The variable's name: `keepAliveTimeoutMs` -> `EPOLL_SERVER_KEEP_ALIVE_TIMEOUT_MS`. */
export function variableOf(name: string): string {
  return VARIABLE_PREFIX + kebab(name).replaceAll('-', '_').toUpperCase();
}

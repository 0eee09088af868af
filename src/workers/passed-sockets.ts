// The listening sockets that a program passes to the next version of itself, in a variable of its environment.

const VARIABLE = 'EPOLL_SERVER_SOCKETS';

/** The key of the admin listener among addresses. */
export const ADMIN_SOCKET = 'admin';

/** Descriptors by the address of their listener, as listenText writes it. */
export type PassedSockets = Readonly<Record<string, readonly number[]>>;

/** Returns the sockets and removes the variable, so that programs which are started later do not see it. */
export function takePassedSockets(): PassedSockets {
  const text = process.env[VARIABLE];
  delete process.env[VARIABLE];
  if (text === undefined) return {};
  // The earlier version has written it.
  return JSON.parse(text) as PassedSockets;
}

export function isPassed(): boolean {
  return process.env[VARIABLE] !== undefined;
}

/** The variable that passes `sockets`. */
export function passedEnvironment(sockets: PassedSockets): NodeJS.ProcessEnv {
  return { [VARIABLE]: JSON.stringify(sockets) };
}

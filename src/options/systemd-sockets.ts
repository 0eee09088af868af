// The listening sockets that systemd passes to a service (sd_listen_fds(3)): `systemd` stands for all of them, and
// `systemd:NAME` for those of that FileDescriptorName.

import { DIGITS } from './digits.ts';
import type { ListenOption } from './listen-address.ts';

/** The first of them. */
const FIRST_FD = 3;

const WORD = 'systemd';

/** The value of LISTEN_PID in a worker of the process that has the sockets. */
export const SOCKETS_OF_PARENT = 'of the parent';

/** What systemd says about the sockets, in variables of the environment. */
export interface SystemdEnvironment {
  readonly LISTEN_FDS?: string | undefined;
  readonly LISTEN_FDNAMES?: string | undefined;
  readonly LISTEN_PID?: string | undefined;
}

/** One socket of each name, to check an address before the start. */
export const ONE_SOCKET: SystemdEnvironment = { LISTEN_FDS: '1', LISTEN_PID: SOCKETS_OF_PARENT };

export function isSystemd(option: ListenOption): option is string {
  if (typeof option !== 'string') return false;
  const address = addressOf(option);
  return address === WORD || address.startsWith(`${WORD}:`);
}

/** The part in front of options. */
function addressOf(option: string): string {
  const end = option.search(/[?,]/);
  return end < 0 ? option : option.slice(0, end);
}

/**
 * The addresses `fd:3?...` that `option` stands for.
 * @throws Error: systemd has passed no such socket.
 */
export function fromSystemd(option: string, environment: SystemdEnvironment = process.env): readonly string[] {
  const address = addressOf(option);
  const name = address === WORD ? undefined : address.slice(WORD.length + 1);
  const { LISTEN_FDS: count = '', LISTEN_FDNAMES: names, LISTEN_PID: pid } = environment;
  if (!DIGITS.test(count) || Number(count) === 0) {
    throw new Error('systemd has passed no socket (LISTEN_FDS): start the service by its .socket unit');
  }
  if (pid !== SOCKETS_OF_PARENT && pid !== String(process.pid)) {
    throw new Error(
      `systemd has passed its sockets to process ${pid}, not to this one: start it directly, not by a shell`,
    );
  }
  const given = names?.split(':') ?? [];
  const fds = Array.from({ length: Number(count) }, (_, at) => FIRST_FD + at);
  const chosen = fds.filter((fd) => name === undefined || environment === ONE_SOCKET || given[fd - FIRST_FD] === name);
  if (chosen.length === 0) {
    throw new Error(`systemd has passed no socket of that name, but ${given.join(', ') || 'some without a name'}`);
  }
  return chosen.map((fd) => `fd:${fd}${option.slice(address.length)}`);
}

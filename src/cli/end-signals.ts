// How signals end the command.

import { constants } from 'node:os';

/** Sent by terminals and service managers to end a program, and when the terminal is closed. The command ends in order. */
export const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** In a container: its end is the end of all, and the system ignores signals for it that have no listener (kill(2)). */
export const FIRST_PROCESS = 1;

/** The exit code for a program that a signal ended, as in shells. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

// The signals on which the command ends in order.

/** Sent by terminals and service managers to end a program, and when the terminal is closed. */
export const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

// The signals on which the command ends in order.

/** What a terminal and a service manager send to end a program, and what comes when the terminal is closed. */
export const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

// Text that is a whole number.

/** Digits and nothing else. `Number` would take `0x10`, `1e3`, blanks and nothing too. */
export const DIGITS: RegExp = /^\d{1,16}$/;

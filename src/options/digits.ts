// Text that is a whole number.

/** Only digits. `Number` would also accept `0x10`, `1e3`, blanks and an empty string. */
export const DIGITS: RegExp = /^\d{1,16}$/;

// The error for a setting at which a contender cannot be measured.

/** The message says why. */
export class Unmeasurable extends Error {}

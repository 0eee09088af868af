// What a trial throws when a contender cannot be measured.

/** A setting that a contender cannot be measured at; the text says why. */
export class Unmeasurable extends Error {}

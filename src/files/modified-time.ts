// Modification times of files: those that HTTP can express, and those that build tools give to every file.

/** HTTP dates have four-digit years (RFC 9110 section 5.6.7): 1 January 1 and 31 December 9999. */
const EARLIEST_MS = -62_135_596_800_000;
const LATEST_MS = 253_402_300_799_999;

/** The nearest time to `ms` that an HTTP date can express; milliseconds since 1970. */
export function datableMs(ms: number): number {
  return Math.min(Math.max(ms, EARLIEST_MS), LATEST_MS);
}

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

/** Zip has no time zones: an unpacked time may be off by up to 14 hours. */
const MAX_OFFSET_MS = 14 * 3_600_000;

/** Time zones differ by multiples of a quarter of an hour. */
const OFFSET_STEP_MS = 900_000;

/** Exact times: OSTree, Jib and BuildKit; Nix and Guix; Yarn; npm; rules_pkg of Bazel. */
const EXACT_MS: ReadonlySet<number> = new Set([0, 1_000, 456_789_000_000, 499_162_500_000, 946_684_800_000]);

/**
 * The earliest times of zip: the value of an empty field (Go), 1 January 1980 (nixpkgs, buildpacks, and zip tools,
 * which choose different hours of it), and 1 February (Gradle).
 */
const AROUND_MS = [Date.UTC(1979, 10, 30), Date.UTC(1980, 0, 1), Date.UTC(1980, 1, 1)];

/** In the time zone of the machine: Bazel's archives. */
const LOCAL_MS = Date.UTC(2010, 0, 1);

/**
 * Whether a modification time, in milliseconds since 1970, is one that build tools give to every file for reproducible
 * builds. Such a time does not identify the content: the next build has it too.
 */
export function isFixedTime(modifiedMs: number): boolean {
  const ms = Math.floor(modifiedMs / SECOND_MS) * SECOND_MS;
  if (EXACT_MS.has(ms) || AROUND_MS.some((time) => Math.abs(ms - time) <= DAY_MS)) return true;
  const offsetMs = Math.abs(ms - LOCAL_MS);
  return offsetMs <= MAX_OFFSET_MS && offsetMs % OFFSET_STEP_MS === 0;
}

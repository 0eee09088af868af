// Times of files, as answers can tell them. File systems keep more: years before 1 and after 9999.

/** HTTP dates have years of four digits (RFC 9110 section 5.6.7): 1 January 1 and 31 December 9999. */
const EARLIEST_MS = -62_135_596_800_000;
const LATEST_MS = 253_402_300_799_999;

/** The time nearest to `ms` that a date can be written for; milliseconds since 1970. */
export function datableMs(ms: number): number {
  return Math.min(Math.max(ms, EARLIEST_MS), LATEST_MS);
}

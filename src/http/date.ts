// Parses HTTP dates in their three forms, and formats them in the preferred one (RFC 9110 section 5.6.7).

/** `Sun, 06 Nov 1994 08:49:37 GMT`. */
export function formatHttpDate(sinceEpochMs: number): string {
  return new Date(sinceEpochMs).toUTCString();
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** `Sun, 06 Nov 1994 08:49:37 GMT`, the form that is sent today. */
const IMF_FIXDATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
/** `Sunday, 06-Nov-94 08:49:37 GMT`. */
const RFC850 =
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
/** `Sun Nov  6 08:49:37 1994`, as asctime(3) writes it. */
const ASCTIME = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;

/**
 * Milliseconds since 1970, or undefined when `text` is not an HTTP date. A year of two digits is the one at most 50
 * years after `nowMs`.
 */
export function parseHttpDate(text: string, nowMs: number): number | undefined {
  let match = IMF_FIXDATE.exec(text);
  if (match !== null) return utcMs(match[3], match[2], match[1], match.slice(4));
  match = RFC850.exec(text);
  if (match !== null) return utcMs(fullYear(Number(match[3]), nowMs), match[2], match[1], match.slice(4));
  match = ASCTIME.exec(text);
  return match === null ? undefined : utcMs(match[6], match[1], match[2], match.slice(3, 6));
}

function fullYear(twoDigits: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  if (year > thisYear + 50) return year - 100;
  return year <= thisYear - 50 ? year + 100 : year;
}

/** Undefined when a number is out of range: 31 February does not become a day of March. */
function utcMs(
  year: string | number | undefined,
  monthName: string | undefined,
  day: string | undefined,
  time: readonly string[],
): number | undefined {
  const month = MONTHS.indexOf(monthName ?? '');
  const [hours = 0, minutes = 0, seconds = 0] = time.map(Number);
  // A leap second is the last one of its minute.
  if (month < 0 || hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), month, Number(day));
  if (date.getUTCMonth() !== month || Number(day) < 1) return undefined;
  return date.setUTCHours(hours, minutes, Math.min(seconds, 59));
}

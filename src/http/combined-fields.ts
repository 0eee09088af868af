// Combines the field lines of one name into one value (RFC 9110 section 5.3).

/** The separator between the values of several lines. Cookie is no comma-separated list (RFC 6265 section 5.4). */
export function separatorOf(lowerCase: string): string {
  return lowerCase === 'cookie' ? '; ' : ', ';
}

/** The value of each name of `fields`, in one pass. A search of all lines for each name costs quadratic time. */
export function combineFields(fields: readonly (readonly [string, string])[]): Map<string, string> {
  const combined = new Map<string, string>();
  for (const [name, value] of fields) {
    const before = combined.get(name);
    combined.set(name, before === undefined ? value : before + separatorOf(name) + value);
  }
  return combined;
}

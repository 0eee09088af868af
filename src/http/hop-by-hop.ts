// Fields that describe one connection, not the message that it carries (RFC 9110 section 7.6.1; Trailer from RFC 2616
// section 13.5.1, since no trailers are sent). The server writes its own.

type Pairs = readonly (readonly [string, string])[];

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** `name` in any case. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name.toLowerCase());
}

/**
 * `pairs` without their hop-by-hop fields but Connection, of which a response may still mean `close`. Content-Length
 * goes with Transfer-Encoding, which overrides it (RFC 9112 section 6.3).
 */
export function withoutHopByHop(pairs: Pairs): Pairs {
  const isCoded = pairs.some(([name]) => name.toLowerCase() === 'transfer-encoding');
  return pairs.filter(([name]) => {
    const lowerCase = name.toLowerCase();
    if (lowerCase === 'connection') return true;
    return !HOP_BY_HOP.has(lowerCase) && !(isCoded && lowerCase === 'content-length');
  });
}

/** The same for a message that came over another connection: without Connection, and without the fields it names. */
export function endToEndFields(pairs: Pairs): Pairs {
  const nominated = new Set<string>();
  for (const [name, value] of pairs) {
    if (name.toLowerCase() !== 'connection') continue;
    for (const option of value.split(',')) nominated.add(option.trim().toLowerCase());
  }
  return withoutHopByHop(pairs).filter(([name]) => !isHopByHop(name) && !nominated.has(name.toLowerCase()));
}

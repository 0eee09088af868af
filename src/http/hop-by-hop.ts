// Fields that describe one connection, not the message (RFC 9110 section 7.6.1; Trailer from RFC 2616 section 13.5.1,
// since no trailers are forwarded). The server writes its own.

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

/** Whether `name`, in any case, is a hop-by-hop field. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name.toLowerCase());
}

/**
 * `pairs` without hop-by-hop fields except Connection, which may still mean `close`. Content-Length is removed with
 * Transfer-Encoding, which overrides it (RFC 9112 section 6.3).
 */
export function withoutHopByHop(pairs: Pairs): Pairs {
  const isCoded = pairs.some(([name]) => name.toLowerCase() === 'transfer-encoding');
  return pairs.filter(([name]) => {
    const lowerCase = name.toLowerCase();
    if (lowerCase === 'connection') return true;
    return !HOP_BY_HOP.has(lowerCase) && !(isCoded && lowerCase === 'content-length');
  });
}

/** `pairs` of a message from another connection, without all hop-by-hop fields and those that Connection lists. */
export function endToEndFields(pairs: Pairs): Pairs {
  const nominated = new Set<string>();
  for (const [name, value] of pairs) {
    if (name.toLowerCase() !== 'connection') continue;
    for (const option of value.split(',')) nominated.add(option.trim().toLowerCase());
  }
  return withoutHopByHop(pairs).filter(([name]) => !isHopByHop(name) && !nominated.has(name.toLowerCase()));
}

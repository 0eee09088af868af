// Names and password hashes, as htpasswd of Apache writes them.

/** bcrypt: version, cost, 22 characters of salt, 31 of the hash. */
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** A check takes 2^cost steps: cost 10 a twentieth of a second, cost 15 two seconds. */
const MAX_COST = 15;

/** Other hashes of htpasswd, which are broken or too fast to withstand guessing. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/^\$apr1\$|^\$1\$/, 'MD5'],
  [/^\{SHA\}/, 'SHA-1'],
  [/^\$5\$/, 'SHA-256 of crypt(3)'],
  [/^\$6\$/, 'SHA-512 of crypt(3)'],
  [/^[./A-Za-z0-9]{13}$/, 'crypt(3)'],
];

export interface Htpasswd {
  readonly byName: ReadonlyMap<string, string>;
  /** The same hashes, in the order of the file. */
  readonly hashes: readonly string[];
}

/** @throws Error that begins with the line: an entry that is none, or not bcrypt. */
export function parseHtpasswd(text: string): Htpasswd {
  const byName = new Map<string, string>();
  for (const [index, given] of text.split('\n').entries()) {
    const line = given.replace(/\r$/, '');
    if (line.trim() === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const [name, hash] = [line.slice(0, colon), line.slice(colon + 1)];
    const problem = colon < 1 ? 'this line is not of the form name:hash' : hashProblem(hash);
    if (problem !== null) throw new Error(`${index + 1}: ${problem}`);
    if (byName.has(name)) throw new Error(`${index + 1}: the name "${name}" is given twice`);
    byName.set(name, hash);
  }
  return { byName, hashes: [...byName.values()] };
}

/** Why `hash` is refused; null: it is bcrypt. */
function hashProblem(hash: string): string | null {
  const cost = BCRYPT.exec(hash)?.[1];
  if (cost !== undefined && Number(cost) >= 4 && Number(cost) <= MAX_COST) return null;
  if (cost !== undefined) return `the cost of this bcrypt hash is ${Number(cost)}; it must be from 4 to ${MAX_COST}`;
  const kind = REFUSED.find(([form]) => form.test(hash))?.[1] ?? 'plain text or a hash of another kind';
  return `this password is ${kind}; only bcrypt is accepted: make it with htpasswd -B`;
}

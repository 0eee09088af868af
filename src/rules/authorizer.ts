// Checks the name and password of a request (RFC 7617).

import { createHmac } from 'node:crypto';
import type { Htpasswd } from './htpasswd.ts';
import type { PasswordChecker, PasswordVerdict } from './password-checker.ts';
import type { Passwords } from './rule-parts.ts';

/** Longer credentials are wrong. */
const MAX_CREDENTIALS = 2_048;

const BASIC = /^basic +([\w+/=-]+) *$/i;

/** A hash that no password has to match: unknown names take as long as known ones. */
const NO_PASSWORD = 'N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy';

const USUAL_HASH = '$2b$10$';

export class Authorizer {
  readonly #passwords: PasswordChecker;

  constructor(passwords: PasswordChecker) {
    this.#passwords = passwords;
  }

  /** Whether each of `files` has the name and password of a field Authorization. */
  check(files: readonly Pick<Passwords, 'entries'>[], field: string): PasswordVerdict | Promise<PasswordVerdict> {
    const encoded = field.length > MAX_CREDENTIALS ? undefined : BASIC.exec(field)?.[1];
    if (encoded === undefined) return 'wrong';
    const text = Buffer.from(encoded, 'base64').toString();
    const colon = Math.max(text.indexOf(':'), 0);
    return this.#checkAll(files, text.slice(0, colon), text.slice(colon + 1));
  }

  #checkAll(
    files: readonly Pick<Passwords, 'entries'>[],
    name: string,
    password: string,
  ): PasswordVerdict | Promise<PasswordVerdict> {
    for (const [index, file] of files.entries()) {
      const verdict = this.#checkOne(file.entries(), name, password);
      if (verdict instanceof Promise) {
        const rest = files.slice(index + 1);
        return verdict.then((later) => (later === 'right' ? this.#checkAll(rest, name, password) : later));
      }
      if (verdict !== 'right') return verdict;
    }
    return 'right';
  }

  #checkOne({ byName, hashes }: Htpasswd, name: string, password: string): PasswordVerdict | Promise<PasswordVerdict> {
    // Made for known names too, so that both take the same time.
    const another = `$2b$${costOfUnknown(name, hashes)}$${NO_PASSWORD}`;
    const hash = byName.get(name);
    const verdict = this.#passwords.check(name, password, hash ?? another);
    if (hash !== undefined) return verdict;
    const unknown = (given: PasswordVerdict): PasswordVerdict => (given === 'busy' ? given : 'wrong');
    return verdict instanceof Promise ? verdict.then(unknown) : unknown(verdict);
  }
}

/**
 * The cost for a name that has no entry: that of an entry, which the name chooses. Otherwise the time would tell the names
 * whose cost differs from that of the unknown ones. The choice is the same in all processes, and only a hash explains it.
 */
function costOfUnknown(name: string, hashes: readonly string[]): string {
  const [first = USUAL_HASH] = hashes;
  const chosen = createHmac('sha256', first).update(name).digest().readUInt32BE(0) % Math.max(hashes.length, 1);
  return (hashes[chosen] ?? first).slice(4, 6);
}

// Checks the name and password of a request (RFC 7617).

import { createHmac } from 'node:crypto';
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
  check(files: readonly Pick<Passwords, 'hashes'>[], field: string): PasswordVerdict | Promise<PasswordVerdict> {
    const encoded = field.length > MAX_CREDENTIALS ? undefined : BASIC.exec(field)?.[1];
    if (encoded === undefined) return 'wrong';
    const text = Buffer.from(encoded, 'base64').toString();
    const colon = Math.max(text.indexOf(':'), 0);
    return this.#checkFrom(files, 0, text.slice(0, colon), text.slice(colon + 1));
  }

  #checkFrom(
    files: readonly Pick<Passwords, 'hashes'>[],
    from: number,
    name: string,
    password: string,
  ): PasswordVerdict | Promise<PasswordVerdict> {
    for (let index = from; index < files.length; index++) {
      const verdict = this.#checkOne(files[index]?.hashes() ?? new Map<string, string>(), name, password);
      if (verdict instanceof Promise) {
        return verdict.then((later) => (later === 'right' ? this.#checkFrom(files, index + 1, name, password) : later));
      }
      if (verdict !== 'right') return verdict;
    }
    return 'right';
  }

  #checkOne(
    hashes: ReadonlyMap<string, string>,
    name: string,
    password: string,
  ): PasswordVerdict | Promise<PasswordVerdict> {
    const hash = hashes.get(name);
    if (hash !== undefined) return this.#passwords.check(password, hash);
    const verdict = this.#passwords.check(password, `$2b$${costOfUnknown(name, hashes)}$${NO_PASSWORD}`);
    const unknown = (given: PasswordVerdict): PasswordVerdict => (given === 'busy' ? given : 'wrong');
    return verdict instanceof Promise ? verdict.then(unknown) : unknown(verdict);
  }
}

/**
 * The cost for a name that has no entry: that of an entry, which the name chooses. Otherwise the time would tell the names
 * whose cost differs from that of the unknown ones. The choice is the same in all processes, and only a hash explains it.
 */
function costOfUnknown(name: string, hashes: ReadonlyMap<string, string>): string {
  const all = [...hashes.values()];
  const [first = USUAL_HASH] = all;
  const chosen = createHmac('sha256', first).update(name).digest().readUInt32BE(0) % Math.max(all.length, 1);
  return (all[chosen] ?? first).slice(4, 6);
}

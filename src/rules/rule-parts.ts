// What rules need at run time beside their text: buckets, passwords, pages. Each is made once for its rule.

import { EpollServerError, messageOf } from '../errors.ts';
import { MediaTypes } from '../files/media-types.ts';
import type { RateRule } from '../options/access-rule.ts';
import type { CorsRule } from '../options/cors-rule.ts';
import type { AuthRule, ErrorPageRule, FileRule, MaintenanceRule } from '../options/file-rule.ts';
import { CorsPolicy } from './cors-policy.ts';
import { type Htpasswd, parseHtpasswd } from './htpasswd.ts';
import { PasswordChecker } from './password-checker.ts';
import { RateLimiter } from './rate-limiter.ts';
import { WatchedFile, watchedText } from './watched-file.ts';

/** The content of a file that may change. */
interface FilePart {
  readonly file: WatchedFile;
}

export interface Maintenance extends FilePart {
  readonly rule: MaintenanceRule;
  /** Its media type, if it is sent. */
  readonly type: string;
  /** The content of the file; null: it does not exist. */
  content(): Buffer | null;
}

export interface Passwords extends FilePart {
  readonly rule: AuthRule;
  entries(): Htpasswd;
}

export interface Page extends FilePart {
  readonly rule: ErrorPageRule;
  readonly type: string;
  content(): Buffer;
}

export interface PartsContext {
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  readonly onError: (error: unknown, request: null) => void;
}

export class RuleParts {
  readonly passwords: PasswordChecker;
  readonly #context: PartsContext;
  readonly #types = new MediaTypes();
  /** By rule: those of a site's files are replaced when the files change. */
  readonly #made = new WeakMap<object, unknown>();

  constructor(context: PartsContext) {
    this.#context = context;
    this.passwords = new PasswordChecker(context.nowMs);
  }

  limiterOf(rule: RateRule): RateLimiter {
    return this.#once(rule, () => new RateLimiter(rule));
  }

  corsOf(rule: CorsRule): CorsPolicy {
    return this.#once(rule, () => new CorsPolicy(rule));
  }

  maintenanceOf(rule: MaintenanceRule): Maintenance {
    return this.#once(rule, () => {
      let content: Buffer | null = null;
      const file = this.#watched(rule, (read) => {
        content = read;
      });
      return { rule, file, type: this.#types.of(rule.file), content: () => content };
    });
  }

  /** @throws EpollServerError `ERR_OPTION`: the file is missing, or has another entry than bcrypt. */
  passwordsOf(rule: AuthRule): Passwords {
    return this.#once(rule, () => {
      let entries: Htpasswd = parseHtpasswd('');
      const file = this.#watched(rule, (read) => {
        entries = entriesOf(rule.file, read);
      });
      return { rule, file, entries: () => entries };
    });
  }

  /** @throws EpollServerError `ERR_OPTION`: the file cannot be read. */
  pageOf(rule: ErrorPageRule): Page {
    return this.#once(rule, () => {
      let content: Buffer = Buffer.alloc(0);
      const file = this.#watched(rule, (read) => {
        if (read === null) throw new Error(`${rule.file} does not exist`);
        content = read;
      });
      return { rule, file, type: this.#types.of(rule.file), content: () => content };
    });
  }

  #once<T>(rule: object, make: () => T): T {
    // A rule has one kind of part.
    const known = this.#made.get(rule) as T | undefined;
    if (known !== undefined) return known;
    const made = make();
    this.#made.set(rule, made);
    return made;
  }

  #watched({ file, origin = '', root }: FileRule, take: (content: Buffer | null) => void): WatchedFile {
    return watch(file, origin, take, this.#context, root);
  }
}

/**
 * Watches `path`. `origin`: where the option was set that names the file. `root`: the folder that its links must not leave.
 * @throws EpollServerError `ERR_OPTION`: it cannot be read, or `take` throws.
 */
export function watch(
  path: string,
  origin: string,
  take: (content: Buffer | null) => void,
  { nowMs, onError }: PartsContext,
  root: string | null = null,
): WatchedFile {
  const report = (error: unknown): void =>
    onError(new EpollServerError('ERR_FILE', `${messageOf(error)}; what it said before stays in use`), null);
  try {
    return new WatchedFile(path, { nowMs, take, onError: report, root });
  } catch (error) {
    throw new EpollServerError('ERR_OPTION', `${origin}: ${messageOf(error)}`, { cause: error });
  }
}

/** @throws Error that names the file and the line. */
function entriesOf(path: string, content: Buffer | null): Htpasswd {
  if (content === null) throw new Error(`${path} does not exist`);
  try {
    return parseHtpasswd(watchedText(content));
  } catch (error) {
    throw new Error(`${path}:${messageOf(error)}`, { cause: error });
  }
}

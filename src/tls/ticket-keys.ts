// The keys of session tickets. All processes and threads of a server have the same ones, and new ones at the same time:
// each derives them from one secret, which the first process makes and its children get. A secret is replaced by what
// is derived from it, so that old tickets cannot be decrypted with what a server has in memory later.

import { hkdfSync, randomBytes } from 'node:crypto';

/** Tickets are valid for as long (kTicketLifetimeSeconds of native/tls_context.cc). */
const ROTATION_MS = 21_600_000;

/** The bytes of one key of native/tls_context.h: its name, and those of AES-256 and HMAC. */
const TICKET_KEY_BYTES = 80;

const SECRET_BYTES = 32;

export class TicketKeys {
  #epoch: number;
  #secret: Buffer;
  /** Of the epoch before. */
  #previous: Buffer;

  private constructor(epoch: number, secret: Buffer, previous: Buffer) {
    this.#epoch = epoch;
    this.#secret = secret;
    this.#previous = previous;
  }

  /** New keys. */
  static make(nowMs: number): TicketKeys {
    const secret = randomBytes(SECRET_BYTES);
    return new TicketKeys(epochAt(nowMs), secret, randomBytes(TICKET_KEY_BYTES));
  }

  /** The keys that {@link exported} returned in another process. Undefined: the text has another form. */
  static imported(text: string): TicketKeys | undefined {
    const [epoch = '', secret = '', previous = ''] = text.split('.');
    const parts = [Buffer.from(secret, 'hex'), Buffer.from(previous, 'hex')] as const;
    const isWhole = parts[0].length === SECRET_BYTES && parts[1].length === TICKET_KEY_BYTES;
    return isWhole && Number.isSafeInteger(Number(epoch)) ? new TicketKeys(Number(epoch), ...parts) : undefined;
  }

  /** For a child of this process. */
  exported(nowMs: number): string {
    this.#advance(nowMs);
    return `${this.#epoch}.${this.#secret.toString('hex')}.${this.#previous.toString('hex')}`;
  }

  /** The current key and the one before, as native code takes them. */
  bytes(nowMs: number): Uint8Array {
    this.#advance(nowMs);
    return Buffer.concat([derived(this.#secret, 'keys', TICKET_KEY_BYTES), this.#previous]);
  }

  /** Milliseconds until other keys are due. */
  static msToRotation(nowMs: number): number {
    return (epochAt(nowMs) + 1) * ROTATION_MS - nowMs;
  }

  /** A clock that was set back changes nothing; one that was set forward by years does not take long. */
  #advance(nowMs: number): void {
    const epoch = epochAt(nowMs);
    const steps = Math.min(epoch - this.#epoch, MAX_STEPS);
    for (let step = 0; step < steps; step++) {
      this.#previous = derived(this.#secret, 'keys', TICKET_KEY_BYTES);
      this.#secret = derived(this.#secret, 'next', SECRET_BYTES);
    }
    this.#epoch = Math.max(this.#epoch, epoch);
  }
}

const MAX_STEPS = 10_000;

function epochAt(nowMs: number): number {
  return Math.floor(nowMs / ROTATION_MS);
}

function derived(secret: Buffer, purpose: string, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `epoll-server session tickets: ${purpose}`, length));
}

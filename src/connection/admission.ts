// Decides which clients are admitted: at most `maxConnections`, and at most `maxConnectionsPerAddress` of one address.

/** Refused clients that get a response at the same time. Further ones are reset, so that refusals are bounded too. */
const MAX_REFUSED_OPEN = 64;

export const ADMITTED = 0;
/** No room: the client gets a response, then the connection ends. */
export const REFUSED = 1;
/** No room, also not for a refusal: the connection is reset. */
export const CUT_OFF = 2;

export interface AdmissionLimits {
  readonly maxConnections: number;
  /** 0: no bound. */
  readonly maxConnectionsPerAddress: number;
}

export class Admission {
  /** Clients refused so far, with a response or by a reset. */
  refused = 0;
  readonly #limits: AdmissionLimits;
  readonly #byAddress = new Map<string, number>();
  #admitted = 0;
  #refusedOpen = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /**
   * Whether {@link admit} and {@link release} need the address, so that its text is made only then. Clients of a Unix
   * domain socket have an empty address: only `maxConnections` bounds them.
   */
  get needsAddress(): boolean {
    return this.#limits.maxConnectionsPerAddress > 0;
  }

  /** Whether `maxConnections` is reached. */
  get isFull(): boolean {
    return this.#admitted >= this.#limits.maxConnections;
  }

  /**
   * Returns ADMITTED, REFUSED or CUT_OFF. Unless it is CUT_OFF, the caller must {@link release} with the same outcome.
   */
  admit(address: string): number {
    const key = keyOf(address);
    const ofAddress = this.#byAddress.get(key) ?? 0;
    const { maxConnections, maxConnectionsPerAddress } = this.#limits;
    const isCounted = this.needsAddress && address !== '';
    if (this.#admitted < maxConnections && (!isCounted || ofAddress < maxConnectionsPerAddress)) {
      this.#admitted++;
      if (isCounted) this.#byAddress.set(key, ofAddress + 1);
      return ADMITTED;
    }
    this.refused++;
    if (this.#refusedOpen >= MAX_REFUSED_OPEN) return CUT_OFF;
    this.#refusedOpen++;
    return REFUSED;
  }

  /**
   * Counts an admitted client whose address was unknown before. False: there are too many of that address. Unless it is
   * false, the caller releases that address.
   */
  identify(address: string): boolean {
    const key = keyOf(address);
    const ofAddress = this.#byAddress.get(key) ?? 0;
    if (ofAddress >= this.#limits.maxConnectionsPerAddress) {
      this.refused++;
      return false;
    }
    this.#byAddress.set(key, ofAddress + 1);
    return true;
  }

  release(address: string, outcome: number): void {
    if (outcome === REFUSED) {
      this.#refusedOpen--;
      return;
    }
    this.#admitted--;
    if (!this.needsAddress || address === '') return;
    const key = keyOf(address);
    const left = (this.#byAddress.get(key) ?? 1) - 1;
    if (left === 0) this.#byAddress.delete(key);
    else this.#byAddress.set(key, left);
  }
}

/** One IPv6 client has a whole /64 (RFC 6177). An IPv4 address counts the same in its IPv6-mapped form. */
function keyOf(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:([\d.]+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  const [front = '', back] = address.split('::');
  const head = front === '' ? [] : front.split(':');
  const tail = back === undefined || back === '' ? [] : back.split(':');
  const zeros = back === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array.from({ length: zeros }, () => '0'), ...tail];
  return groups.slice(0, 4).join(':');
}

// Who may come in: as many clients as there is room for, and no more of one address than its share.
// It must not know what they are told.

/** Refused clients that are told so, at once; further ones are cut off, so that telling has a bound too. */
const MAX_TOLD = 64;

export const ADMITTED = 0;
/** No room: this client is told and leaves soon. */
export const REFUSED = 1;
/** No room, and enough others are being told. */
export const CUT_OFF = 2;

export interface AdmissionLimits {
  readonly maxConnections: number;
  /** 0: no bound. */
  readonly maxConnectionsPerAddress: number;
}

export class Admission {
  /** Clients refused so far, told or cut off. */
  refused = 0;
  readonly #limits: AdmissionLimits;
  readonly #byAddress = new Map<string, number>();
  #admitted = 0;
  #told = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /**
   * Whether `address` must be given to {@link enter} and {@link leave}: texts are not made for nothing. Clients of a Unix
   * domain socket have an empty one, which tells nothing of them: they are bounded together only.
   */
  get asksAddress(): boolean {
    return this.#limits.maxConnectionsPerAddress > 0;
  }

  /** Whether there is no room for any address. */
  get isFull(): boolean {
    return this.#admitted >= this.#limits.maxConnections;
  }

  /** ADMITTED, REFUSED or CUT_OFF. Whoever is not cut off will {@link leave} with the same outcome. */
  enter(address: string): number {
    const key = keyOf(address);
    const ofAddress = this.#byAddress.get(key) ?? 0;
    const { maxConnections, maxConnectionsPerAddress } = this.#limits;
    const isCounted = this.asksAddress && address !== '';
    if (this.#admitted < maxConnections && (!isCounted || ofAddress < maxConnectionsPerAddress)) {
      this.#admitted++;
      if (isCounted) this.#byAddress.set(key, ofAddress + 1);
      return ADMITTED;
    }
    this.refused++;
    if (this.#told >= MAX_TOLD) return CUT_OFF;
    this.#told++;
    return REFUSED;
  }

  leave(address: string, outcome: number): void {
    if (outcome === REFUSED) {
      this.#told--;
      return;
    }
    this.#admitted--;
    if (!this.asksAddress || address === '') return;
    const key = keyOf(address);
    const left = (this.#byAddress.get(key) ?? 1) - 1;
    if (left === 0) this.#byAddress.delete(key);
    else this.#byAddress.set(key, left);
  }
}

/** One IPv6 client has a whole /64 (RFC 6177); an IPv4 one has its address, however it is written. */
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

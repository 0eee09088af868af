// Passes the certificates of a process to its children, at their start and after each renewal: they have the certificates
// in use even if the files are broken when they start, and need no permission to read the keys.

import type { CertificateParts } from './certificate-set.ts';

export class CertificateFeed {
  #latest: CertificateParts | null = null;
  readonly #followers = new Set<(parts: CertificateParts) => void>();

  publish(parts: CertificateParts): void {
    this.#latest = parts;
    for (const onParts of [...this.#followers]) onParts(parts);
  }

  /** Calls `onParts` with what was published last, if anything was, and with what is published later. Returns its end. */
  follow(onParts: (parts: CertificateParts) => void): () => void {
    this.#followers.add(onParts);
    if (this.#latest !== null) onParts(this.#latest);
    return () => void this.#followers.delete(onParts);
  }
}

/** Those of this process, for its children. */
export const ownCertificates: CertificateFeed = new CertificateFeed();

let ofParent: CertificateFeed | null = null;

/** Those of the parent, which uses TLS; null: there is none. */
export function parentCertificates(): CertificateFeed | null {
  return ofParent;
}

/** From now on the certificates of this process come from its parent. */
export function expectCertificates(): CertificateFeed {
  ofParent = new CertificateFeed();
  return ofParent;
}

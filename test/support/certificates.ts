// Certificates and keys that tests make when they run.

import { generateKeyPairSync } from 'node:crypto';
import { type CertificateRequest, issueCertificate, type KeyPair } from '../../src/tls/issued-certificate.ts';

/** A certificate and its key, as PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;

export function makeKey(type: 'ec' | 'rsa' = 'ec'): KeyPair {
  return type === 'ec'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 });
}

export function keyText({ privateKey }: KeyPair): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** A pair for the hosts; it signs itself unless the request says otherwise. */
export function makePair(hosts: readonly string[], request: Partial<CertificateRequest> = {}): Pair {
  const key = request.key ?? makeKey();
  const notAfter = new Date(Date.now() + 90 * DAY_MS);
  return { cert: issueCertificate({ name: hosts[0] ?? 'test', hosts, notAfter, ...request, key }), key: keyText(key) };
}

let own: Pair | undefined;

/** A pair for this machine, made once. */
export function ownPair(): Pair {
  own ??= makePair(['localhost', '127.0.0.1', '::1']);
  return own;
}

// The certificates of a server, with the host names that choose among them, and the authorities that sign those of its
// clients.

import { EpollServerError } from '../errors.ts';
import type { TlsEntry } from '../kernel/addon.ts';
import type { Certificate } from './certificate.ts';

/** A set as a process passes it to its children. */
export interface CertificateParts {
  /** As text, the dates have been texts of JSON. */
  readonly certificates: readonly (Omit<Certificate, 'notAfter'> & { readonly notAfter: Date | string })[];
  /** PEM. */
  readonly authorities: string;
}

/** A certificate in a set. */
export interface CertificateMember {
  readonly certificate: Certificate;
  /** The state of its files when they were read; empty: it has none. */
  readonly state: string;
}

export class CertificateSet {
  /** By where they come from. */
  readonly #members = new Map<string, CertificateMember>();
  readonly #byHost = new Map<string, Certificate[]>();
  /** PEM; empty: none. */
  readonly authorities: string;
  /** The state of the files of {@link authorities}. */
  readonly authoritiesState: string;

  constructor(authorities: string, authoritiesState = '') {
    this.authorities = authorities;
    this.authoritiesState = authoritiesState;
  }

  static of({ certificates, authorities }: CertificateParts): CertificateSet {
    const set = new CertificateSet(authorities);
    for (const [index, { notAfter, ...each }] of certificates.entries())
      set.add(`${index}`, { certificate: { ...each, notAfter: new Date(notAfter) }, state: '' });
    return set;
  }

  get certificates(): readonly Certificate[] {
    return [...this.#members.values()].map(({ certificate }) => certificate);
  }

  member(source: string): CertificateMember | undefined {
    return this.#members.get(source);
  }

  /** The sources that begin with `path`. */
  sourcesBelow(path: string): readonly string[] {
    return [...this.#members.keys()].filter((source) => source.startsWith(path));
  }

  /** @throws EpollServerError `ERR_TLS`: the set has a certificate with such a key for one of its names. */
  add(source: string, member: CertificateMember): void {
    const { certificate } = member;
    const hosts = certificate.hosts.length > 0 ? certificate.hosts : [''];
    for (const host of hosts) {
      const same = this.#byHost.get(host)?.find(({ keyType }) => keyType === certificate.keyType);
      if (same === undefined || same.fingerprint === certificate.fingerprint) continue;
      const what = `${certificate.keyType.toUpperCase()} certificates`;
      throw new EpollServerError(
        'ERR_TLS',
        `there are two ${what} for ${host === '' ? 'no name' : host}: ${same.name} and ${certificate.name}`,
      );
    }
    this.#members.set(source, member);
    for (const host of hosts) {
      const others = this.#byHost.get(host) ?? [];
      if (!others.some(({ keyType }) => keyType === certificate.keyType))
        this.#byHost.set(host, [...others, certificate]);
    }
  }

  /** Whether a handshake would be the same with both. */
  isSame(other: CertificateSet): boolean {
    const print = ({ certificates, authorities }: CertificateSet): string =>
      [authorities, ...certificates.map(({ fingerprint, chain }) => fingerprint + chain)].join();
    return print(this) === print(other);
  }

  /**
   * The certificates by the names that they are for; those for the first certificate come first. Several for one name
   * have keys of different types, among which each handshake chooses.
   */
  groups(): readonly Pick<TlsEntry, 'names' | 'pairs'>[] {
    const groups = new Map<string, { names: string[]; pairs: TlsEntry['pairs'] }>();
    for (const [host, members] of this.#byHost) {
      const id = members.map(({ fingerprint }) => fingerprint).join();
      const group = groups.get(id) ?? { names: [], pairs: members.map(({ chain, key }) => ({ cert: chain, key })) };
      if (host !== '') group.names.push(host);
      groups.set(id, group);
    }
    return [...groups.values()];
  }
}

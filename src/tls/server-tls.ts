// The TLS of a server: makes a kind of transport of its certificates, and another one when their files change. Handshakes
// that have begun keep the old one.

import { createHash } from 'node:crypto';
import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { EpollServerError, messageOf } from '../errors.ts';
import { type Addon, loadAddon, type TlsEntry } from '../kernel/addon.ts';
import type { TransportKind } from '../kernel/kernel.ts';
import { logLine } from '../log/log-line.ts';

import {
  type Certificate,
  type CertificateSource,
  loadAuthorities,
  loadCertificate,
  sourceName,
} from './certificate.ts';
import { pairsIn } from './certificate-folder.ts';
import { TicketKeys } from './ticket-keys.ts';
import type { TlsSettings } from './tls-settings.ts';

/** Files are looked at this often. A change counts when two looks in a row see the same. */
const LOOK_MS = 2_000;

const DAY_MS = 86_400_000;

/** A warning is logged each day from then on. ACME clients renew 30 days before. */
const WARNING_DAYS = 14;

/** Reasons of failed handshakes, in the order of TlsFailure of native/tls_context.h. */
const FAILURES = ['version', 'cipher', 'alpn', 'clientCertificate', 'alert', 'closed', 'plaintext', 'other'] as const;

/** Counters of handshakes since the start. */
export interface HandshakeCounters {
  /** Finished ones. */
  readonly handshakes: number;
  /** Those among them that resumed a session. */
  readonly resumptions: number;
  /** By reason: no version, cipher or protocol in common, and so on. */
  readonly failures: Readonly<Record<(typeof FAILURES)[number], number>>;
}

export const NO_HANDSHAKES: HandshakeCounters = handshakeCounters([]);

/** `counts`: finished and resumed ones, then the failures. */
function handshakeCounters([handshakes = 0, resumptions = 0, ...failures]: readonly number[]): HandshakeCounters {
  const named = FAILURES.map((reason, index) => [reason, failures[index] ?? 0] as const);
  // One entry for each name.
  return { handshakes, resumptions, failures: Object.fromEntries(named) as HandshakeCounters['failures'] };
}

/** What the files say at one time. */
interface Loaded {
  readonly entries: readonly TlsEntry[];
  readonly certificates: readonly Certificate[];
}

let ticketKeys: TicketKeys | undefined;

/** The ticket keys of this process and its children. */
function sharedTicketKeys(): TicketKeys {
  ticketKeys ??= TicketKeys.make(Date.now());
  return ticketKeys;
}

/** The keys for a child; null: this process has no TLS. */
export function exportTicketKeys(): string | null {
  return ticketKeys?.exported(Date.now()) ?? null;
}

/** Uses the keys of the parent process. */
export function importTicketKeys(text: string): void {
  ticketKeys = TicketKeys.imported(text) ?? ticketKeys;
}

export class ServerTls {
  readonly #settings: TlsSettings;
  readonly #addon: Addon;
  #kind: TransportKind;
  #certificates: readonly Certificate[];
  /** What the files looked like when they were loaded, and at the last look. */
  #loaded: string;
  #seen = '';
  #looking: NodeJS.Timeout | undefined;
  #rotation: NodeJS.Timeout | undefined;
  #warning: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @throws EpollServerError `ERR_TLS`: names the file that cannot be used, and why. */
  constructor(settings: TlsSettings, addon: Addon = loadAddon()) {
    // A child that starts later must not fail because a certificate has expired since.
    this.#loaded = stateOf(settings);
    const { entries, certificates } = load(settings, settings.isReporting);
    this.#settings = settings;
    this.#addon = addon;
    this.#kind = makeKind(addon, entries, null);
    this.#certificates = certificates;
  }

  /** The kind for new connections. */
  get kind(): TransportKind {
    return this.#kind;
  }

  get counters(): HandshakeCounters {
    return handshakeCounters(this.#addon.tlsCounters(this.#kind));
  }

  /** Begins to look for other files, to renew ticket keys, and to warn. */
  start(): this {
    this.#looking = setInterval(() => void this.#look(), LOOK_MS).unref();
    this.#rotate();
    if (this.#settings.isReporting) {
      this.#warn();
      this.#warning = setInterval(() => this.#warn(), DAY_MS).unref();
    }
    return this;
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of [this.#looking, this.#warning]) clearInterval(timer);
    clearTimeout(this.#rotation);
  }

  #rotate(): void {
    this.#addon.setTicketKeys(this.#kind, sharedTicketKeys().bytes(Date.now()));
    this.#rotation = setTimeout(() => this.#rotate(), TicketKeys.msToRotation(Date.now()) + 1).unref();
  }

  async #look(): Promise<void> {
    const seen = await stateLater(this.#settings);
    if (this.#isClosed) return;
    if (seen !== this.#loaded && seen === this.#seen) this.#renew(seen);
    this.#seen = seen;
  }

  /** Uses the new files, or keeps the old certificates and says why. */
  #renew(seen: string): void {
    this.#loaded = seen;
    try {
      const { entries, certificates } = load(this.#settings, true);
      this.#kind = makeKind(this.#addon, entries, this.#kind);
      const known = new Set(this.#certificates.map(({ fingerprint }) => fingerprint));
      const renewed = certificates.filter(({ fingerprint }) => !known.has(fingerprint));
      this.#certificates = certificates;
      for (const each of renewed) this.#report(`renewed ${described(each)}`);
    } catch (error) {
      this.#report(`the certificates are not renewed, and the old ones stay: ${messageOf(error)}`);
    }
  }

  #warn(): void {
    const nowMs = Date.now();
    for (const each of this.#certificates) {
      const days = Math.floor((each.notAfter.getTime() - nowMs) / DAY_MS);
      if (days >= WARNING_DAYS) continue;
      const when = days < 0 ? 'has expired' : `expires in ${days} days`;
      this.#report(`the certificate ${each.name} ${when}: ${described(each)}`);
    }
  }

  #report(text: string): void {
    if (this.#settings.isReporting) logLine(text);
  }
}

function makeKind(addon: Addon, entries: readonly TlsEntry[], previous: TransportKind | null): TransportKind {
  const problem = addon.opensslProblem();
  if (problem !== '') throw wrong(`TLS cannot be used: ${problem}`);
  const kind = addon.createTls(entries, sharedTicketKeys().bytes(Date.now()), previous);
  if (typeof kind === 'string') throw wrong(kind);
  return kind;
}

function load(settings: TlsSettings, checksDates: boolean): Loaded {
  const nowMs = checksDates ? Date.now() : null;
  const certificates = pairsOf(settings).map((source) => loadCertificate(source, nowMs));
  const ca = loadAuthorities(settings.ca);
  const { ciphers, minVersion, requestCert, rejectUnauthorized, alpnProtocols } = settings;
  const alpn = alpnProtocols.map((each) => String.fromCharCode(each.length) + each).join('');
  // Sessions outlive a restart with other settings: they must not stand for a certificate that is not accepted now.
  const verification = createHash('sha256')
    .update(`${requestCert} ${rejectUnauthorized} ${ca}`)
    .digest('hex')
    .slice(0, 32);
  const shared = { ca, ciphers, minVersion, requestCert, rejectUnauthorized, alpn, verification };
  return { entries: grouped(certificates).map((group) => ({ ...shared, ...group })), certificates };
}

function pairsOf({ sources }: TlsSettings): readonly CertificateSource[] {
  return sources.flatMap((source) => ('folder' in source ? pairsIn(source.folder) : [source]));
}

/**
 * The certificates by the names that they are for; those for the first certificate come first. Several for one name have
 * keys of different types, among which each handshake chooses.
 */
function grouped(certificates: readonly Certificate[]): readonly Pick<TlsEntry, 'names' | 'pairs'>[] {
  const byName = new Map<string, Certificate[]>();
  for (const certificate of certificates) {
    for (const host of certificate.hosts.length > 0 ? certificate.hosts : ['']) {
      const others = byName.get(host) ?? [];
      const same = others.find(({ keyType }) => keyType === certificate.keyType);
      if (same !== undefined && same.fingerprint !== certificate.fingerprint) {
        const what = `${certificate.keyType.toUpperCase()} certificates`;
        throw wrong(
          `there are two ${what} for ${host === '' ? 'no name' : host}: ${same.name} and ${certificate.name}`,
        );
      }
      if (same === undefined) byName.set(host, [...others, certificate]);
    }
  }
  const groups = new Map<string, { names: string[]; pairs: TlsEntry['pairs'] }>();
  for (const [host, members] of byName) {
    const id = members.map(({ fingerprint }) => fingerprint).join();
    const group = groups.get(id) ?? { names: [], pairs: members.map(({ chain, key }) => ({ cert: chain, key })) };
    if (host !== '') group.names.push(host);
    groups.set(id, group);
  }
  return [...groups.values()];
}

/** The files of the certificates, keys and authorities as they are now. */
function pathsOf(settings: TlsSettings): readonly string[] {
  const pairs = pairsOf(settings);
  const sources = [...pairs.flatMap(({ cert, key }) => [cert, key]), ...settings.ca];
  return sources.map((source) => sourceName(source, '')).filter((path) => path !== '');
}

/** Text that differs when a file was replaced, or a link leads elsewhere. */
function stateOf(settings: TlsSettings): string {
  return pathsOf(settings)
    .map((path) => stateText(path, statSync(path, { bigint: true, throwIfNoEntry: false })))
    .join('\n');
}

/** The same without waiting for a disk. */
async function stateLater(settings: TlsSettings): Promise<string> {
  try {
    const states = pathsOf(settings).map(async (path) =>
      stateText(path, await stat(path, { bigint: true }).catch(() => undefined)),
    );
    return (await Promise.all(states)).join('\n');
  } catch (error) {
    return messageOf(error);
  }
}

function stateText(path: string, found: BigIntStats | undefined): string {
  return found === undefined
    ? path
    : `${path} ${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}

function described({ name, hosts, notAfter, fingerprint }: Certificate): string {
  return `${name} for ${hosts.join(', ')} (valid until ${notAfter.toISOString().slice(0, 10)}, SHA-256 ${fingerprint}...)`;
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_TLS', text);
}

// The TLS of a server: makes a kind of transport of its certificates, and another one when their files change. Handshakes
// that have begun keep the old one.

import { createHash } from 'node:crypto';
import { countText } from '../count-text.ts';
import { EpollServerError, messageOf } from '../errors.ts';
import { type Addon, loadAddon, type TlsEntry } from '../kernel/addon.ts';
import type { TransportKind } from '../kernel/kernel.ts';
import { logLine } from '../log/log-line.ts';
import { type Certificate, checkAuthorities, checkCertificate, heldPair, heldPem } from './certificate.ts';
import { type CertificateFeed, ownCertificates, parentCertificates } from './certificate-feed.ts';
import {
  CA_NAME,
  type CertificateFiles,
  type LoadedCertificates,
  loadFiles,
  lookAtFiles,
} from './certificate-files.ts';
import { type CertificateParts, CertificateSet } from './certificate-set.ts';
import { TicketKeys } from './ticket-keys.ts';
import type { TlsSettings } from './tls-settings.ts';

/** Files are looked at this often. A change counts when two looks in a row see the same. */
const LOOK_MS = 2_000;

const DAY_MS = 86_400_000;

/** A warning is logged each day from then on. ACME clients renew 30 days before. */
const WARNING_DAYS = 14;

/** Reasons of failed handshakes, in the order of TlsFailure of native/tls_context.h. */
const FAILURES = [
  'version',
  'cipher',
  'alpn',
  'clientCertificate',
  'alert',
  'closed',
  'plaintext',
  'renegotiation',
  'other',
] as const;

/** Counters of handshakes since the start. */
export interface HandshakeCounters {
  /** Finished ones. */
  readonly handshakes: number;
  /** Those among them that resumed a session. */
  readonly resumptions: number;
  /** By reason: no version, cipher or protocol in common, and so on. A refused renegotiation leaves its connection open. */
  readonly failures: Readonly<Record<(typeof FAILURES)[number], number>>;
}

export const NO_HANDSHAKES: HandshakeCounters = handshakeCounters([]);

/** `counts`: finished and resumed ones, then the failures. */
function handshakeCounters([handshakes = 0, resumptions = 0, ...failures]: readonly number[]): HandshakeCounters {
  const named = FAILURES.map((reason, index) => [reason, failures[index] ?? 0] as const);
  // One entry for each name.
  return { handshakes, resumptions, failures: Object.fromEntries(named) as HandshakeCounters['failures'] };
}

const NO_TICKET_KEYS = new Uint8Array();

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

/** Where certificates of a server come from later. */
type Renewals =
  | { readonly kind: 'none' }
  | { readonly kind: 'files'; readonly state: string }
  | { readonly kind: 'parent'; readonly feed: CertificateFeed };

export class ServerTls {
  #settings: TlsSettings;
  readonly #addon: Addon;
  #kind: TransportKind;
  #set: CertificateSet;
  readonly #renewals: Renewals;
  /** The state of the files when all of them were loaded, and at the last look. */
  #loadedState: string;
  #seenState = '';
  /** What cannot be used. Each is reported once. */
  #problems: readonly string[] = [];
  #looking: NodeJS.Timeout | undefined;
  #rotation: NodeJS.Timeout | undefined;
  #warning: NodeJS.Timeout | undefined;
  #unfollow = (): void => {};
  #isClosed = false;

  /**
   * Loads the certificates, and starts nothing. A child has those of its parent.
   * @throws EpollServerError `ERR_TLS`: names the file that cannot be used, and why.
   */
  static async open(settings: TlsSettings, addon: Addon = loadAddon()): Promise<ServerTls> {
    const feed = parentCertificates();
    if (feed !== null) {
      const parts = await new Promise<CertificateParts>((resolve) => feed.follow(resolve));
      return new ServerTls(settings, addon, CertificateSet.of(parts), { kind: 'parent', feed });
    }
    const files = await lookAtFiles(settings);
    const { set } = await loadFiles(files, settings, {
      nowMs: nowFor(settings),
      previous: null,
      tryOut: () => {},
    });
    return new ServerTls(settings, addon, set, { kind: 'files', state: files.state });
  }

  /**
   * The same at once, for settings without files.
   * @throws EpollServerError `ERR_TLS`: what cannot be used, and why.
   */
  static ofMemory(settings: TlsSettings, addon: Addon = loadAddon()): ServerTls {
    return new ServerTls(settings, addon, heldSet(settings), { kind: 'none' });
  }

  private constructor(settings: TlsSettings, addon: Addon, set: CertificateSet, renewals: Renewals) {
    this.#settings = settings;
    this.#addon = addon;
    this.#renewals = renewals;
    this.#loadedState = renewals.kind === 'files' ? renewals.state : '';
    this.#kind = makeKind(addon, settings, set, null);
    this.#set = set;
  }

  /** The kind for new connections. */
  get kind(): TransportKind {
    return this.#kind;
  }

  /**
   * Uses other certificates, without files, for new handshakes.
   * @throws EpollServerError `ERR_TLS`: what cannot be used, and why. The old ones stay.
   */
  replace(settings: TlsSettings): void {
    this.#use(settings, heldSet(settings));
  }

  /**
   * Uses other settings, and the certificates of their files. Where these cannot be used, those with the same path stay.
   * @throws EpollServerError `ERR_TLS`: what cannot be used, and why. The old settings stay.
   */
  async change(given: TlsSettings): Promise<void> {
    const settings = { ...given, isReporting: this.#settings.isReporting };
    const files = await lookAtFiles(settings);
    this.#renew(settings, files, await this.#load(settings, files));
  }

  get counters(): HandshakeCounters {
    return handshakeCounters(this.#addon.tlsCounters(this.#kind));
  }

  /** Begins to look for other files, to renew ticket keys, to warn, and to pass certificates to children. */
  start(): this {
    if (this.#renewals.kind === 'files') this.#lookLater();
    if (this.#renewals.kind === 'parent') {
      this.#unfollow = this.#renewals.feed.follow((parts) => this.#follow(CertificateSet.of(parts)));
    }
    this.#publish();
    this.#rotate();
    if (this.#settings.isReporting) {
      this.#warn();
      this.#warning = setInterval(() => this.#warn(), DAY_MS).unref();
    }
    return this;
  }

  close(): void {
    this.#isClosed = true;
    this.#unfollow();
    clearInterval(this.#warning);
    for (const timer of [this.#looking, this.#rotation]) clearTimeout(timer);
  }

  #rotate(): void {
    this.#addon.setTicketKeys(this.#kind, sharedTicketKeys().bytes(Date.now()));
    this.#rotation = setTimeout(() => this.#rotate(), TicketKeys.msToRotation(Date.now()) + 1).unref();
  }

  #lookLater(): void {
    this.#looking = setTimeout(() => void this.#look(), LOOK_MS).unref();
  }

  async #look(): Promise<void> {
    const settings = this.#settings;
    const files = await lookAtFiles(settings);
    if (files.state !== this.#loadedState && files.state === this.#seenState) await this.#tryToRenew(settings, files);
    this.#seenState = files.state;
    if (!this.#isClosed) this.#lookLater();
  }

  /**
   * Uses what can be used of the new files. What cannot is tried again at the next look: a certificate may become valid,
   * and a system may have had no descriptor left.
   */
  async #tryToRenew(settings: TlsSettings, files: CertificateFiles): Promise<void> {
    try {
      const loaded = await this.#load(settings, files);
      if (this.#isClosed || settings !== this.#settings) return;
      this.#renew(settings, files, loaded);
    } catch (error) {
      if (!this.#isClosed)
        this.#reportProblems([`the certificates are not renewed, and the old ones stay: ${messageOf(error)}`]);
    }
  }

  #load(settings: TlsSettings, files: CertificateFiles): Promise<LoadedCertificates> {
    const inUse = new Set(this.#set.certificates.map(({ fingerprint }) => fingerprint));
    const tryOut = (certificate: Certificate): void => {
      if (!inUse.has(certificate.fingerprint)) tryCertificate(this.#addon, settings, certificate, this.#kind);
    };
    return loadFiles(files, settings, { nowMs: Date.now(), previous: this.#set, tryOut });
  }

  #renew(settings: TlsSettings, files: CertificateFiles, { set, problems }: LoadedCertificates): void {
    const before = this.#set;
    this.#use(settings, set);
    // Until then each look tries again.
    if (problems.length === 0) this.#loadedState = files.state;
    this.#reportProblems(problems);
    for (const each of without(set.certificates, before.certificates)) this.#report(`renewed ${described(each)}`);
    const names = new Set(set.certificates.map(({ name }) => name));
    for (const each of before.certificates)
      if (!names.has(each.name)) this.#report(`no longer used: ${described(each)}`);
    if (set.authorities !== before.authorities) this.#report('renewed the authorities of clients');
  }

  /** Uses what the parent uses. It reports; a problem that only this process has is an error of its own. */
  #follow(set: CertificateSet): void {
    try {
      this.#use(this.#settings, set);
    } catch (error) {
      logLine(`the certificates are not renewed, and the old ones stay: ${messageOf(error)}`);
    }
  }

  #use(settings: TlsSettings, set: CertificateSet): void {
    if (settings !== this.#settings || !set.isSame(this.#set))
      this.#kind = makeKind(this.#addon, settings, set, this.#kind);
    this.#settings = settings;
    this.#set = set;
    this.#publish();
  }

  #publish(): void {
    const { certificates, authorities } = this.#set;
    ownCertificates.publish({ certificates, authorities });
  }

  #warn(): void {
    const nowMs = Date.now();
    for (const each of this.#set.certificates) {
      const days = Math.floor((each.notAfter.getTime() - nowMs) / DAY_MS);
      if (days >= WARNING_DAYS) continue;
      const when = days < 0 ? 'has expired' : `expires in ${countText(days, 'day')}`;
      this.#report(`${each.name} ${when}: ${described(each)}`);
    }
  }

  #reportProblems(problems: readonly string[]): void {
    for (const each of problems) if (!this.#problems.includes(each)) this.#report(each);
    this.#problems = problems;
  }

  #report(text: string): void {
    if (this.#settings.isReporting) logLine(text);
  }
}

/** @throws EpollServerError `ERR_TLS`. */
function makeKind(
  addon: Addon,
  settings: TlsSettings,
  set: CertificateSet,
  previous: TransportKind | null,
): TransportKind {
  const problem = addon.opensslProblem();
  if (problem !== '') throw wrong(`TLS cannot be used: ${problem}`);
  const kind = addon.createTls(entriesOf(settings, set), sharedTicketKeys().bytes(Date.now()), previous);
  if (typeof kind !== 'string') return kind;
  for (const each of set.certificates) tryCertificate(addon, settings, each, previous);
  throw wrong(kind);
}

/** @throws EpollServerError `ERR_TLS`: OpenSSL refuses a certificate, such as one with a short key. */
function tryCertificate(
  addon: Addon,
  settings: TlsSettings,
  certificate: Certificate,
  previous: TransportKind | null,
): void {
  const alone = new CertificateSet('');
  alone.add('', { certificate, state: '' });
  const problem = addon.createTls(entriesOf({ ...settings, ciphers: '' }, alone), NO_TICKET_KEYS, previous);
  if (typeof problem === 'string') throw wrong(`${certificate.name}: ${problem}`);
}

/** Null when the dates of certificates do not matter. */
function nowFor({ isReporting }: TlsSettings): number | null {
  return isReporting ? Date.now() : null;
}

/** That of settings without files. */
function heldSet(settings: TlsSettings): CertificateSet {
  const { sources, ca } = settings;
  const set = new CertificateSet(checkAuthorities(ca.map((source) => heldPem(source, CA_NAME))));
  for (const [index, source] of sources.entries()) {
    if ('folder' in source) throw wrong(`${source.folder} is a folder, and certificates are needed`);
    set.add(`${index}`, { certificate: checkCertificate(heldPair(source), nowFor(settings)), state: '' });
  }
  return set;
}

function entriesOf(settings: TlsSettings, set: CertificateSet): readonly TlsEntry[] {
  const { ciphers, minVersion, requestCert, rejectUnauthorized, alpnProtocols } = settings;
  const { authorities: ca } = set;
  const alpn = alpnProtocols.map((each) => String.fromCharCode(each.length) + each).join('');
  // Sessions outlive a restart with other settings: they must not stand for a certificate that is not accepted now.
  const verification = createHash('sha256')
    .update(`${requestCert} ${rejectUnauthorized} ${ca}`)
    .digest('hex')
    .slice(0, 32);
  const shared = { ca, ciphers, minVersion, requestCert, rejectUnauthorized, alpn, verification };
  return set.groups().map((group) => {
    // A certificate has one key.
    const certificates = group.pairs.map(({ cert }) => cert);
    const id = createHash('sha256')
      .update(JSON.stringify([shared, certificates]))
      .digest('hex');
    return { ...shared, ...group, id };
  });
}

/** Those of `certificates` that `others` have not. */
function without(certificates: readonly Certificate[], others: readonly Certificate[]): readonly Certificate[] {
  const known = new Set(others.map(({ fingerprint }) => fingerprint));
  return certificates.filter(({ fingerprint }) => !known.has(fingerprint));
}

function described({ name, hosts, notAfter, fingerprint }: Certificate): string {
  return `${name} for ${hosts.join(', ')} (valid until ${notAfter.toISOString().slice(0, 10)}, SHA-256 ${fingerprint}...)`;
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_TLS', text);
}

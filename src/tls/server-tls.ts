// The TLS of a server: makes a kind of transport of its certificates, and another one when their files change. Handshakes
// that have begun keep the old one.

import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { countText } from '../count-text.ts';
import { EpollServerError, messageOf } from '../errors.ts';
import { type Addon, loadAddon, type TlsEntry } from '../kernel/addon.ts';
import type { TransportKind } from '../kernel/kernel.ts';
import { logLine } from '../log/log-line.ts';
import {
  type Certificate,
  type CertificateSource,
  checkAuthorities,
  checkCertificate,
  heldPair,
  heldPem,
  type NamedPem,
  type PemPair,
  readPair,
  readPem,
  sourceName,
} from './certificate.ts';
import { pairsIn } from './certificate-folder.ts';
import { TicketKeys } from './ticket-keys.ts';
import type { TlsSettings } from './tls-settings.ts';

/** Files are looked at this often. A change counts when two looks in a row see the same. */
const LOOK_MS = 2_000;

/** The state of settings without files. */
const NO_FILES = '';

/** The name of authorities in messages, where they are no file. */
const CA_NAME = 'ca';

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

/** What the files have at one time. */
interface Pems {
  readonly pairs: readonly PemPair[];
  readonly authorities: readonly NamedPem[];
}

/** The same, checked. */
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
  #settings: TlsSettings;
  readonly #addon: Addon;
  #kind: TransportKind;
  #certificates: readonly Certificate[];
  /** The state of the files when they were loaded, and at the last look. */
  #loadedState: string;
  #seenState = '';
  /** Why the files cannot be used; empty: they can. It is reported once. */
  #problem = '';
  #looking: NodeJS.Timeout | undefined;
  #rotation: NodeJS.Timeout | undefined;
  #warning: NodeJS.Timeout | undefined;
  #isClosed = false;

  /**
   * Loads the certificates, and starts nothing.
   * @throws EpollServerError `ERR_TLS`: names the file that cannot be used, and why.
   */
  static async open(settings: TlsSettings, addon: Addon = loadAddon()): Promise<ServerTls> {
    const state = await stateOf(settings);
    // A child that starts later must not fail because a certificate has expired since.
    return new ServerTls(settings, addon, state, loaded(settings, await readPems(settings), settings.isReporting));
  }

  /**
   * The same at once, for settings without files.
   * @throws EpollServerError `ERR_TLS`: what cannot be used, and why.
   */
  static ofMemory(settings: TlsSettings, addon: Addon = loadAddon()): ServerTls {
    return new ServerTls(settings, addon, NO_FILES, loaded(settings, heldPems(settings), settings.isReporting));
  }

  private constructor(settings: TlsSettings, addon: Addon, state: string, { entries, certificates }: Loaded) {
    this.#settings = settings;
    this.#addon = addon;
    this.#loadedState = state;
    this.#kind = makeKind(addon, entries, null);
    this.#certificates = certificates;
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
    const { entries, certificates } = loaded(settings, heldPems(settings), settings.isReporting);
    this.#kind = makeKind(this.#addon, entries, this.#kind);
    this.#certificates = certificates;
    this.#settings = settings;
    this.#loadedState = NO_FILES;
  }

  get counters(): HandshakeCounters {
    return handshakeCounters(this.#addon.tlsCounters(this.#kind));
  }

  /** Begins to look for other files, to renew ticket keys, and to warn. */
  start(): this {
    this.#lookLater();
    this.#rotate();
    if (this.#settings.isReporting) {
      this.#warn();
      this.#warning = setInterval(() => this.#warn(), DAY_MS).unref();
    }
    return this;
  }

  close(): void {
    this.#isClosed = true;
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
    // A folder without pairs is a state too: loading says what is wrong.
    const state = await stateOf(this.#settings).catch(messageOf);
    if (state !== this.#loadedState && state === this.#seenState) await this.#renew(state);
    this.#seenState = state;
    if (!this.#isClosed) this.#lookLater();
  }

  /**
   * Uses the new files, or keeps the old certificates and says why. After a failure the next look tries again: a
   * certificate may become valid, and a system may have had no descriptor left.
   */
  async #renew(state: string): Promise<void> {
    try {
      const { entries, certificates } = loaded(this.#settings, await readPems(this.#settings), true);
      if (this.#isClosed) return;
      this.#kind = makeKind(this.#addon, entries, this.#kind);
      this.#loadedState = state;
      this.#problem = '';
      const known = new Set(this.#certificates.map(({ fingerprint }) => fingerprint));
      const renewed = certificates.filter(({ fingerprint }) => !known.has(fingerprint));
      this.#certificates = certificates;
      for (const each of renewed) this.#report(`renewed ${described(each)}`);
    } catch (error) {
      const problem = messageOf(error);
      if (this.#isClosed || problem === this.#problem) return;
      this.#problem = problem;
      this.#report(`the certificates are not renewed, and the old ones stay: ${problem}`);
    }
  }

  #warn(): void {
    const nowMs = Date.now();
    for (const each of this.#certificates) {
      const days = Math.floor((each.notAfter.getTime() - nowMs) / DAY_MS);
      if (days >= WARNING_DAYS) continue;
      const when = days < 0 ? 'has expired' : `expires in ${countText(days, 'day')}`;
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

async function readPems(settings: TlsSettings): Promise<Pems> {
  const pairs: PemPair[] = [];
  for (const source of await pairsOf(settings)) pairs.push(await readPair(source));
  const authorities: NamedPem[] = [];
  for (const source of settings.ca) authorities.push(await readPem(source, CA_NAME));
  return { pairs, authorities };
}

/** Those of settings without files. */
function heldPems({ sources, ca }: TlsSettings): Pems {
  const pairs = sources.map((source) => {
    if ('folder' in source) throw wrong(`${source.folder} is a folder, and certificates are needed`);
    return heldPair(source);
  });
  return { pairs, authorities: ca.map((source) => heldPem(source, CA_NAME)) };
}

function loaded(settings: TlsSettings, { pairs, authorities }: Pems, checksDates: boolean): Loaded {
  const nowMs = checksDates ? Date.now() : null;
  const certificates = pairs.map((pair) => checkCertificate(pair, nowMs));
  const ca = checkAuthorities(authorities);
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

async function pairsOf({ sources }: TlsSettings): Promise<readonly CertificateSource[]> {
  const pairs: CertificateSource[] = [];
  for (const source of sources) pairs.push(...('folder' in source ? await pairsIn(source.folder) : [source]));
  return pairs;
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

/** Text that differs when a file was replaced, or a link leads elsewhere. */
async function stateOf(settings: TlsSettings): Promise<string> {
  const pairs = await pairsOf(settings);
  const sources = [...pairs.flatMap(({ cert, key }) => [cert, key]), ...settings.ca];
  const paths = sources.map((source) => sourceName(source, '')).filter((path) => path !== '');
  const states: string[] = [];
  for (const path of paths) states.push(stateText(path, await stat(path, { bigint: true }).catch(() => undefined)));
  return states.join('\n');
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

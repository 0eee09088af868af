// The settings of TLS of a server: where its certificates come from, and what all of them share.

import { isAbsolute, join, relative } from 'node:path';
import { countText } from '../count-text.ts';
import { EpollServerError } from '../errors.ts';
import { ALPN_PROTOCOLS, type PemOrPath, pemList, type TlsOption, type TlsOptions } from '../options/tls-option.ts';
import { type CertificateSource, sourceName } from './certificate.ts';

/** A pair, or a folder of them. */
export type TlsSource = CertificateSource | { readonly folder: string };

export interface TlsSettings extends SharedSettings {
  readonly sources: readonly TlsSource[];
  /** Whether this process logs renewals, and warns before a certificate expires. */
  readonly isReporting: boolean;
}

/**
 * What does not depend on the server name: a client whose certificate was verified for one name could otherwise ask for
 * the pages of another one.
 */
interface SharedSettings {
  readonly ca: readonly PemOrPath[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly ciphers: string;
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
  readonly alpnProtocols: readonly string[];
}

type SharedName = 'ca' | 'minVersion' | 'ciphers' | 'requestCert' | 'rejectUnauthorized' | 'ALPNProtocols';

const SHARED_NAMES: readonly SharedName[] = [
  'ca',
  'minVersion',
  'ciphers',
  'requestCert',
  'rejectUnauthorized',
  'ALPNProtocols',
];

/** @throws EpollServerError `ERR_TLS`: options that contradict each other. */
export function tlsSettingsOf(options: readonly TlsOption[]): TlsSettings {
  const objects = options.filter((option) => typeof option !== 'string');
  const shared: Partial<Pick<TlsOptions, SharedName>> = Object.assign({}, ...objects.toReversed());
  for (const option of objects) {
    const name = SHARED_NAMES.find((each) => option[each] !== undefined && !isSame(option[each], shared[each]));
    if (name !== undefined) throw wrong(`${name} must be the same for all certificates of a server`);
  }
  const { ca = [], requestCert = false, rejectUnauthorized = true } = shared;
  const authorities = pemList(ca);
  if (requestCert && rejectUnauthorized && authorities.length === 0) {
    throw wrong(
      'requestCert needs ca, the authorities that sign certificates of clients (or rejectUnauthorized: false)',
    );
  }
  return {
    sources: options.flatMap(sourcesOf),
    ca: authorities,
    minVersion: shared.minVersion ?? 'TLSv1.2',
    ciphers: shared.ciphers ?? '',
    requestCert,
    rejectUnauthorized,
    alpnProtocols: protocolsOf(shared.ALPNProtocols),
    isReporting: true,
  };
}

/** The parts of the folders of certbot and lego. */
const FOLDER_PARTS = ['live', 'archive', 'accounts', 'certificates'];

/** The files and folders with keys, which must not be served from `root`, whatever folder that is. */
export function secretPathsOf({ sources }: TlsSettings, root: string): readonly string[] {
  return sources.flatMap((source) => {
    if (!('folder' in source)) return [source.key].map((key) => sourceName(key, '')).filter((path) => path !== '');
    const path = relative(source.folder, root);
    const hasRoot = path === '' || !(path.startsWith('..') || isAbsolute(path));
    return hasRoot ? FOLDER_PARTS.map((part) => join(source.folder, part)) : [source.folder];
  });
}

function sourcesOf(option: TlsOption): readonly TlsSource[] {
  if (typeof option === 'string') return [{ folder: option }];
  if ('folder' in option) return [{ folder: option.folder }];
  const certs = pemList(option.cert);
  const keys = pemList(option.key);
  if (certs.length !== keys.length) {
    throw wrong(
      `each certificate needs its key: ${countText(certs.length, 'certificate')}, ${countText(keys.length, 'key')}`,
    );
  }
  // There are as many keys.
  return certs.map((cert, index) => ({ cert, key: keys[index] ?? '', passphrase: option.passphrase }));
}

function protocolsOf(given: readonly string[] = ['http/1.1']): readonly string[] {
  const unknown = given.find((protocol) => !ALPN_PROTOCOLS.includes(protocol));
  if (unknown === undefined) return given;
  throw wrong(`ALPNProtocols may have ${ALPN_PROTOCOLS.join(' and ')}, not ${JSON.stringify(unknown)}`);
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_TLS', text);
}

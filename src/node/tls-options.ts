// The options of https.createServer, as settings of this server's TLS.

import type { ServerOptions } from 'node:https';
import type { PemOrPath } from '../options/tls-option.ts';
import { type TlsSettings, tlsSettingsOf } from '../tls/tls-settings.ts';

/** Options that change what a handshake does, and which this server's TLS does not have. */
const UNSUPPORTED = [
  'ALPNCallback',
  'SNICallback',
  'allowPartialTrustChain',
  'clientCertEngine',
  'crl',
  'dhparam',
  'ecdhCurve',
  'maxVersion',
  'pfx',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'pskCallback',
  'secureContext',
  'secureOptions',
  'secureProtocol',
  'sessionIdContext',
  'sigalgs',
  'ticketKeys',
] as const;

const VERSIONS: ReadonlySet<unknown> = new Set([undefined, 'TLSv1.2', 'TLSv1.3']);
const PROTOCOLS: ReadonlySet<string> = new Set(['http/1.1', 'http/1.0']);

/** Why this server's TLS cannot serve with these options; null: it can. */
export function tlsProblem(options: ServerOptions): string | null {
  const unknown = UNSUPPORTED.find((name) => Reflect.get(options, name) != null);
  if (unknown !== undefined) return `the option ${unknown} is not supported`;
  if (options.cert == null || options.key == null) return 'there is no cert and key';
  if (!VERSIONS.has(options.minVersion)) return `minVersion ${options.minVersion} is not supported`;
  const protocols = protocolsOf(options);
  const other = protocols?.find((each) => !PROTOCOLS.has(each));
  if (other !== undefined) return `the ALPN protocol ${other} is not supported`;
  const isRequired = options.requestCert === true && options.rejectUnauthorized !== false;
  if (isRequired && options.ca == null) return 'requestCert without ca is not supported';
  return null;
}

/** @throws EpollServerError `ERR_TLS`: what is wrong with a certificate. */
export function tlsSettingsFrom(options: ServerOptions): TlsSettings {
  const { requestCert, rejectUnauthorized, ca, ciphers, minVersion } = options;
  const keys = listOf(options.key);
  const passphrase = keys.map((each) => Reflect.get(Object(each), 'passphrase')).find((each) => each !== undefined);
  const settings = tlsSettingsOf([
    {
      cert: pemsOf(options.cert),
      key: pemsOf(options.key),
      passphrase: passphrase ?? options.passphrase,
      ca: requestCert === true ? pemsOf(ca) : undefined,
      requestCert,
      rejectUnauthorized,
      ciphers,
      // Others are refused by tlsProblem.
      minVersion: minVersion === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2',
      ALPNProtocols: protocolsOf(options),
    },
  ]);
  // As node:https, which does not look at the dates of its certificates.
  return { ...settings, isReporting: false };
}

function protocolsOf({ ALPNProtocols: given }: ServerOptions): readonly string[] | undefined {
  return Array.isArray(given) ? given.map(String) : undefined;
}

function listOf(given: unknown): readonly unknown[] {
  return given == null ? [] : [given].flat();
}

/** As bytes: a text is never the path of a file in node:tls. */
function pemsOf(given: unknown): readonly PemOrPath[] {
  return listOf(given).map((each) => {
    const pem: unknown =
      each instanceof Uint8Array || typeof each === 'string' ? each : Reflect.get(Object(each), 'pem');
    return pem instanceof Uint8Array ? pem : Buffer.from(String(pem));
  });
}

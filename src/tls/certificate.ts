// A certificate chain with its key, checked: each fault is described in words before OpenSSL sees any of them.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { EpollServerError, messageOf } from '../errors.ts';
import { isPem, type PemOrPath } from '../options/tls-option.ts';

/** Where a certificate and its key come from. */
export interface CertificateSource {
  readonly cert: PemOrPath;
  readonly key: PemOrPath;
  readonly passphrase?: string | undefined;
}

export interface Certificate {
  /** Its file, or `the certificate`. */
  readonly name: string;
  /** The type of its key: `ec`, `rsa`, ... */
  readonly keyType: string;
  /** The host names that it is for, in lower case; a wildcard has `*.` in front. */
  readonly hosts: readonly string[];
  readonly notAfter: Date;
  /** The first twelve digits of its SHA-256. */
  readonly fingerprint: string;
  /** PEM. */
  readonly chain: string;
  /** PEM, without a passphrase. */
  readonly key: string;
}

const FIRST_BYTE_OF_DER = 0x30;
const CERTIFICATE_BEGIN = '-----BEGIN CERTIFICATE-----';
const CERTIFICATE_END = '-----END CERTIFICATE-----';
const FINGERPRINT_DIGITS = 12;

/** Of one file. The authorities that browsers trust have 230 KB together. */
const MAX_BYTES = 1_048_576;

/** Names for messages about what is no file. */
const CERT_NAME = 'the certificate';
const KEY_NAME = 'the key';

/** What should be PEM, and its name for messages. */
export interface NamedPem {
  /** Its file, or what it is. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** A source whose files were read. */
export interface PemPair {
  readonly cert: NamedPem;
  readonly key: NamedPem;
  readonly passphrase?: string | undefined;
}

/**
 * Reads the files of a source.
 * @throws EpollServerError `ERR_TLS`: one cannot be read.
 */
export async function readPair({ cert, key, passphrase }: CertificateSource): Promise<PemPair> {
  return { cert: await readPem(cert, CERT_NAME), key: await readPem(key, KEY_NAME), passphrase };
}

/** The same for a source that has no files. */
export function heldPair({ cert, key, passphrase }: CertificateSource): PemPair {
  return { cert: heldPem(cert, CERT_NAME), key: heldPem(key, KEY_NAME), passphrase };
}

/**
 * Checks a certificate and its key. `nowMs`: null when its dates do not matter.
 * @throws EpollServerError `ERR_TLS`: one sentence that says what is wrong, and with which file.
 */
export function checkCertificate({ cert, key, passphrase }: PemPair, nowMs: number | null): Certificate {
  const certificates = certificatesOf(textOf(cert), cert.name);
  const [leaf] = certificates;
  if (leaf === undefined) throw wrong(`${cert.name} has no certificate`);
  const privateKey = keyOf(textOf(key), key.name, passphrase);
  if (!leaf.checkPrivateKey(privateKey)) throw wrong(`${key.name} is not the key of ${cert.name}`);
  if (nowMs !== null) checkDates(leaf, cert.name, nowMs);
  checkChain(certificates, cert.name);
  return {
    name: cert.name,
    keyType: privateKey.asymmetricKeyType ?? '',
    hosts: hostsOf(leaf),
    notAfter: new Date(leaf.validTo),
    fingerprint: leaf.fingerprint256.replaceAll(':', '').slice(0, FINGERPRINT_DIGITS).toLowerCase(),
    chain: certificates.map(String).join(''),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/**
 * The authorities that sign certificates of clients, as one PEM text.
 * @throws EpollServerError `ERR_TLS`.
 */
export function checkAuthorities(pems: readonly NamedPem[]): string {
  let authorities = '';
  for (const pem of pems) {
    const found = certificatesOf(textOf(pem), pem.name);
    if (found.length === 0) throw wrong(`${pem.name} has no certificate`);
    authorities += found.map(String).join('');
  }
  return authorities;
}

/** The path of a file, or `other` for PEM. */
export function sourceName(source: PemOrPath, other: string): string {
  return typeof source === 'string' && !isPem(source) ? source : other;
}

/**
 * Reads what may be a file. `other`: the name of what is none.
 * @throws EpollServerError `ERR_TLS`: the file cannot be read.
 */
export async function readPem(source: PemOrPath, other: string): Promise<NamedPem> {
  const path = sourceName(source, '');
  return path === '' ? heldPem(source, other) : { name: path, bytes: await bytesOf(path) };
}

/** What is PEM and not the path of a file. */
export function heldPem(source: PemOrPath, name: string): NamedPem {
  return { name, bytes: Buffer.from(source) };
}

function textOf({ name, bytes }: NamedPem): string {
  const text = bytes.toString('latin1');
  if (isPem(text)) return text;
  if (bytes[0] === FIRST_BYTE_OF_DER)
    throw wrong(`${name} is DER, and PEM is needed: convert it with openssl -inform der`);
  throw wrong(`${name} is not PEM: it has no line -----BEGIN`);
}

/** A named pipe would wait for its writer, so it is opened without waiting, and refused. */
async function bytesOf(path: string): Promise<Buffer> {
  let file: FileHandle | null = null;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = await file.stat();
    if (!found.isFile()) throw new Error(`it is ${found.isDirectory() ? 'a folder' : 'not a regular file'}`);
    if (found.size > MAX_BYTES) throw new Error(`it has ${found.size} bytes, and at most ${MAX_BYTES} are read`);
    return await file.readFile();
  } catch (error) {
    throw wrong(`${path} cannot be read: ${messageOf(error)}`);
  } finally {
    await file?.close();
  }
}

/** The certificates of a PEM text, in their order. */
function certificatesOf(text: string, name: string): readonly X509Certificate[] {
  const found: X509Certificate[] = [];
  for (let at = text.indexOf(CERTIFICATE_BEGIN); at >= 0; at = text.indexOf(CERTIFICATE_BEGIN, at + 1)) {
    const end = text.indexOf(CERTIFICATE_END, at);
    try {
      found.push(new X509Certificate(text.slice(at, end < 0 ? text.length : end + CERTIFICATE_END.length)));
    } catch {
      throw wrong(`certificate ${found.length + 1} of ${name} is damaged`);
    }
  }
  return found;
}

/** Its messages never have text of the key. */
function keyOf(text: string, name: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    if (!text.includes('PRIVATE KEY')) throw wrong(`${name} has no private key`);
    if (!text.includes('ENCRYPTED')) throw wrong(`the key in ${name} is damaged, or of an unknown type`);
    if (passphrase === undefined) throw wrong(`the key in ${name} is encrypted: give its passphrase, or decrypt it`);
    throw wrong(`the passphrase does not decrypt the key in ${name}`);
  }
}

function checkDates(leaf: X509Certificate, name: string, nowMs: number): void {
  if (Date.parse(leaf.validTo) <= nowMs) throw wrong(`${name} has expired on ${leaf.validTo}`);
  if (Date.parse(leaf.validFrom) > nowMs) throw wrong(`${name} is not valid before ${leaf.validFrom}`);
}

/**
 * Clients know roots only. A certificate that says where its issuer can be fetched has an intermediate issuer, which
 * must be in the file. Certificates of private authorities seldom say that, and may be signed by the root.
 */
function checkChain(certificates: readonly X509Certificate[], name: string): void {
  for (const [index, certificate] of certificates.entries()) {
    const next = certificates[index + 1];
    if (next !== undefined && !certificate.checkIssued(next)) {
      throw wrong(
        `the chain in ${name} is in a wrong order: certificate ${index + 2} did not sign certificate ${index + 1}`,
      );
    }
  }
  const [leaf] = certificates;
  const hasIssuerUrl = leaf?.infoAccess?.includes('CA Issuers') === true;
  if (certificates.length === 1 && leaf?.checkIssued(leaf) === false && hasIssuerUrl) {
    throw wrong(`${name} lacks the certificates of its issuers: use the file with the full chain (fullchain.pem)`);
  }
}

/** The names of subjectAltName; the common name counts only where there are none. */
function hostsOf(leaf: X509Certificate): readonly string[] {
  const alternatives = (leaf.subjectAltName ?? '').split(', ').filter((each) => each.startsWith('DNS:'));
  if (alternatives.length > 0) return alternatives.map((each) => each.slice('DNS:'.length).toLowerCase());
  const common = leaf.subject?.split('\n').find((line) => line.startsWith('CN='));
  return common === undefined ? [] : [common.slice('CN='.length).toLowerCase()];
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_TLS', text);
}

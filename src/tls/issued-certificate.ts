// Issues X.509 certificates (RFC 5280): self-signed ones for development, and chains for tests.

import { type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** What a certificate says. */
export interface CertificateRequest {
  /** Its common name. */
  readonly name: string;
  /** Host names and IP addresses that it is for. */
  readonly hosts?: readonly string[];
  readonly key: KeyPair;
  readonly notBefore?: Date;
  readonly notAfter: Date;
  /** Whether it may sign other certificates. */
  readonly isAuthority?: boolean;
  /** The authority that signs it; absent: it signs itself. */
  readonly issuer?: { readonly name: string; readonly key: KeyPair };
  /** Where the certificate of its issuer can be fetched (Authority Information Access). */
  readonly issuerUrl?: string;
}

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

// Tags of ASN.1 (X.690 section 8).
const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const NULL = 0x05;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;

/** Names of a certificate's alternatives (RFC 5280 section 4.2.1.6). */
const DNS_NAME = 2;
const URI = 6;
const IP_ADDRESS = 7;

const SERIAL_BYTES = 16;

/** A certificate as PEM. */
export function issueCertificate(request: CertificateRequest): string {
  const { issuer = request } = request;
  const algorithm = signatureAlgorithm(issuer.key);
  const body = sequence(
    tagged(CONTEXT | CONSTRUCTED, integer(Buffer.from([2]))),
    integer(serial()),
    algorithm,
    distinguishedName(issuer.name),
    sequence(time(request.notBefore ?? new Date()), time(request.notAfter)),
    distinguishedName(request.name),
    request.key.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(CONTEXT | CONSTRUCTED | 3, sequence(...extensions(request))),
  );
  const signature = sign('sha256', body, issuer.key.privateKey);
  const certificate = sequence(body, algorithm, tagged(BIT_STRING, Buffer.from([0]), signature));
  return new X509Certificate(certificate).toString();
}

function extensions({ hosts = [], isAuthority = false, issuerUrl }: CertificateRequest): readonly Buffer[] {
  const usage = isAuthority ? Buffer.from([1, 0b0000_0110]) : Buffer.from([7, 0b1000_0000]);
  const found = [
    extension('2.5.29.19', true, sequence(...(isAuthority ? [tagged(BOOLEAN, Buffer.from([0xff]))] : []))),
    extension('2.5.29.15', true, tagged(BIT_STRING, usage)),
  ];
  if (!isAuthority) {
    const purposes = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'].map(objectIdentifier);
    found.push(extension('2.5.29.37', false, sequence(...purposes)));
  }
  if (hosts.length > 0) found.push(extension('2.5.29.17', false, sequence(...hosts.map(alternativeName))));
  if (issuerUrl !== undefined) {
    const access = sequence(objectIdentifier('1.3.6.1.5.5.7.48.2'), tagged(CONTEXT | URI, Buffer.from(issuerUrl)));
    found.push(extension('1.3.6.1.5.5.7.1.1', false, sequence(access)));
  }
  return found;
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  const critical = isCritical ? [tagged(BOOLEAN, Buffer.from([0xff]))] : [];
  return sequence(objectIdentifier(id), ...critical, tagged(OCTET_STRING, value));
}

function alternativeName(host: string): Buffer {
  if (isIP(host) === 0) return tagged(CONTEXT | DNS_NAME, Buffer.from(host));
  return tagged(CONTEXT | IP_ADDRESS, isIP(host) === 4 ? Buffer.from(host.split('.').map(Number)) : ipv6(host));
}

/** Sixteen bytes; `::` stands for as many zeros as are missing. */
function ipv6(host: string): Buffer {
  const [front = '', back = ''] = host
    .split('::')
    .map((part) => part.split(':').filter((each) => each !== ''))
    .map((words) => words.map((word) => word.padStart(4, '0')).join(''));
  return Buffer.from(front + back.padStart(32 - front.length, '0'), 'hex');
}

function signatureAlgorithm({ privateKey }: KeyPair): Buffer {
  const isRsa = privateKey.asymmetricKeyType === 'rsa';
  return isRsa
    ? sequence(objectIdentifier('1.2.840.113549.1.1.11'), tagged(NULL))
    : sequence(objectIdentifier('1.2.840.10045.4.3.2'));
}

function distinguishedName(name: string): Buffer {
  const attribute = sequence(objectIdentifier('2.5.4.3'), tagged(UTF8_STRING, Buffer.from(name)));
  return sequence(tagged(SET, attribute));
}

/** A positive number without a leading zero byte. */
function serial(): Buffer {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x7f) | 0x40, 0);
  return bytes;
}

/** UTCTime has two digits of the year, up to 2049 (RFC 5280 section 4.1.2.5). */
function time(date: Date): Buffer {
  const digits = `${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
  return date.getUTCFullYear() < 2050
    ? tagged(UTC_TIME, Buffer.from(digits.slice(2)))
    : tagged(GENERALIZED_TIME, Buffer.from(digits));
}

function objectIdentifier(id: string): Buffer {
  const [first = 0, second = 0, ...rest] = id.split('.').map(Number);
  return tagged(OBJECT_IDENTIFIER, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** Seven bits a byte, the high ones first; bit 7 says that more follow. */
function base128(value: number): readonly number[] {
  const bytes = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}

function integer(bytes: Buffer): Buffer {
  return tagged(INTEGER, bytes);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(SEQUENCE, ...parts);
}

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

// Tests that every fault of certificates is described in one sentence, and how certificates are chosen from folders.

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Certificate, type CertificateSource, checkCertificate, readPair } from '../../src/tls/certificate.ts';
import { pairsIn } from '../../src/tls/certificate-folder.ts';
import { issueCertificate } from '../../src/tls/issued-certificate.ts';
import { selfSignedPair } from '../../src/tls/self-signed.ts';
import { ServerTls } from '../../src/tls/server-tls.ts';
import { TicketKeys } from '../../src/tls/ticket-keys.ts';
import { tlsSettingsOf } from '../../src/tls/tls-settings.ts';
import { keyText, makeKey, makePair, ownPair } from '../support/certificates.ts';
import { folder } from '../support/folder.ts';

async function loadCertificate(source: CertificateSource, nowMs: number | null): Promise<Certificate> {
  return checkCertificate(await readPair(source), nowMs);
}

const DAY_MS = 86_400_000;
const day = (days: number): Date => new Date(Date.now() + days * DAY_MS);

const authority = makeKey();
const issuer = { name: 'an authority', key: authority };
const authorityCert = issueCertificate({ name: issuer.name, key: authority, notAfter: day(9), isAuthority: true });

async function messageOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_TLS' });
    return String(Object(error).message);
  }
  return 'nothing is wrong';
}

function problemOf(pair: {
  cert: string | Uint8Array;
  key: string | Uint8Array;
  passphrase?: string;
}): Promise<string> {
  return messageOf(() => loadCertificate(pair, Date.now()));
}

function encryptedKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' }).toString();
}

test('a pair that fits has the names, dates and type of key of its certificate', async () => {
  const pair = makePair(['Example.org', '*.example.org', '127.0.0.1'], { notAfter: day(3) });
  const found = await loadCertificate(pair, Date.now());
  expect(found).toMatchObject({ hosts: ['example.org', '*.example.org'], keyType: 'ec' });
  expect(found.fingerprint).toMatch(/^[0-9a-f]{12}$/);
  expect(Math.round((found.notAfter.getTime() - Date.now()) / DAY_MS)).toBe(3);
});

test('each fault of a pair is one sentence without a word of the key', async () => {
  const { cert, key } = ownPair();
  const der = new X509Certificate(cert).raw;
  const chained = { issuer, issuerUrl: 'http://example.org/ca' };
  const known = key.split('\n')[1] ?? '';
  const problems = await Promise.all([
    problemOf({ cert, key: keyText(makeKey()) }),
    problemOf({ cert, key: encryptedKey() }),
    problemOf({ cert, key: encryptedKey(), passphrase: 'wrong' }),
    problemOf({ cert: der, key }),
    problemOf({ cert: 'a b', key }),
    problemOf({ cert: key, key }),
    problemOf({ cert: cert.replace(/\n.{9}/, '\n'), key }),
    problemOf({ cert, key: cert }),
    problemOf({ cert, key: key.replace(/\n.{9}/, '\n') }),
    problemOf(makePair(['a'], { notBefore: day(-9), notAfter: day(-1) })),
    problemOf(makePair(['a'], { notBefore: day(1), notAfter: day(2) })),
    problemOf(makePair(['a'], chained)),
    problemOf({ ...makePair(['a'], chained), cert: authorityCert + ownPair().cert }),
  ]);
  expect(problems).toEqual([
    'the key is not the key of the certificate',
    'the key in the key is encrypted: give its passphrase, or decrypt it',
    'the passphrase does not decrypt the key in the key',
    'the certificate is DER, and PEM is needed: convert it with openssl -inform der',
    expect.stringMatching(/^a b cannot be read: ENOENT/),
    'the certificate has no certificate',
    'certificate 1 of the certificate is damaged',
    'the key has no private key',
    'the key in the key is damaged, or of an unknown type',
    expect.stringMatching(/^the certificate has expired on /),
    expect.stringMatching(/^the certificate is not valid before /),
    'the certificate lacks the certificates of its issuers: use the file with the full chain (fullchain.pem)',
    expect.stringContaining('is not the key of'),
  ]);
  expect(problems.join()).not.toContain(known.slice(0, 12));
});

test('what is no file of a certificate is refused without waiting for it', async () => {
  const root = await folder({ 'empty.pem': '', 'large.pem': Buffer.alloc(10_000_000, 0x2d) });
  const { key } = ownPair();
  execFileSync('mkfifo', [join(root, 'pipe')]);
  const problems = await Promise.all(
    ['', 'pipe', 'empty.pem', 'large.pem'].map((name) => problemOf({ cert: join(root, name), key })),
  );
  expect(problems.map((each) => each.replace(root, ''))).toEqual([
    ' cannot be read: it is a folder',
    '/pipe cannot be read: it is not a regular file',
    '/empty.pem is not PEM: it has no line -----BEGIN',
    '/large.pem cannot be read: it has 10000000 bytes, and at most 1048576 are read',
  ]);
});

test('a byte order mark, line ends of Windows, and a key in front of its certificate are accepted', async () => {
  const { cert, key } = ownPair();
  const file = `\ufeffbag attributes\r\n${(key + cert).replaceAll('\n', '\r\n')}`;
  expect(await problemOf({ cert: Buffer.from(file), key: Buffer.from(file) })).toBe('nothing is wrong');
});

test('a chain in a wrong order is refused, a whole one and one of a private authority are not', async () => {
  const { cert, key } = makePair(['a'], { issuer, issuerUrl: 'http://example.org/ca' });
  expect(await problemOf({ cert: cert + authorityCert, key })).toBe('nothing is wrong');
  expect(await problemOf({ cert: cert + ownPair().cert, key })).toContain('certificate 2 did not sign certificate 1');
  expect(await problemOf(makePair(['a'], { issuer }))).toBe('nothing is wrong');
});

test('certificates are found in the layouts of certbot and lego, through links', async () => {
  const [a, b, c] = [makePair(['a.test']), makePair(['b.test']), makePair(['c.test'])];
  const certbot = await folder({
    'archive/a/1.pem': a.cert,
    'archive/a/2.pem': a.key,
    'live/b/fullchain.pem': b.cert,
    'live/b/privkey.pem': b.key,
    'live/README': 'text',
  });
  await mkdir(join(certbot, 'live/a'));
  await symlink('../../archive/a/1.pem', join(certbot, 'live/a/fullchain.pem'));
  await symlink('../../archive/a/2.pem', join(certbot, 'live/a/privkey.pem'));
  const found = await Promise.all((await pairsIn(certbot)).map((pair) => loadCertificate(pair, Date.now())));
  expect(found.map(({ hosts }) => hosts[0])).toEqual(['a.test', 'b.test']);
  expect(await pairsIn(join(certbot, 'live'))).toHaveLength(2);
  const lego = await folder({
    'certificates/c.test.crt': c.cert,
    'certificates/c.test.key': c.key,
    'certificates/c.test.issuer.crt': authorityCert,
    'certificates/c.test.json': '{}',
  });
  expect((await pairsIn(lego)).map(({ cert }) => cert)).toEqual([join(lego, 'certificates/c.test.crt')]);
  const empty = await folder({ 'a.txt': '' });
  expect(await messageOf(() => pairsIn(empty))).toMatch(/has no pair of a certificate and its key/);
  expect(await messageOf(() => pairsIn(join(empty, 'none')))).toMatch(/cannot be read: ENOENT/);
});

test('two certificates of one type for one name are refused, of two types they are not', async () => {
  const ec = makePair(['a.test', 'b.test']);
  const rsa = makePair(['a.test'], { key: makeKey('rsa') });
  expect(await messageOf(() => ServerTls.open(tlsSettingsOf([ec, makePair(['b.test'])])))).toMatch(
    /^there are two EC certificates for b\.test: the certificate and the certificate$/,
  );
  expect(await messageOf(() => ServerTls.open(tlsSettingsOf([ec, rsa])))).toBe('nothing is wrong');
});

test('settings that contradict each other are refused', async () => {
  const pair = ownPair();
  const other = makePair(['other']);
  expect(
    await messageOf(() =>
      tlsSettingsOf([
        { ...pair, minVersion: 'TLSv1.3' },
        { ...other, minVersion: 'TLSv1.2' },
      ]),
    ),
  ).toBe('minVersion must be the same for all certificates of a server');
  expect(await messageOf(() => tlsSettingsOf([{ ...pair, requestCert: true }]))).toMatch(/^requestCert needs ca/);
  expect(await messageOf(() => tlsSettingsOf([{ ...pair, ALPNProtocols: ['h2'] }]))).toMatch(/not "h2"$/);
  expect(await messageOf(() => tlsSettingsOf([{ cert: [pair.cert, other.cert], key: pair.key }]))).toMatch(
    /2 certificates, 1 key/,
  );
  expect(await messageOf(() => ServerTls.open(tlsSettingsOf([{ ...pair, ciphers: 'NONE-SUCH' }])))).toMatch(
    /^the ciphers cannot be used: no cipher match$/,
  );
  expect(tlsSettingsOf([pair, { ...other, minVersion: 'TLSv1.3' }]).minVersion).toBe('TLSv1.3');
});

test('the certificate for localhost is kept between starts, with permissions for its user alone', async () => {
  const home = await folder();
  const environment = { XDG_DATA_HOME: home };
  const pair = selfSignedPair(environment);
  expect(selfSignedPair(environment)).toEqual(pair);
  const { hosts, fingerprint } = await loadCertificate(pair, Date.now());
  expect(hosts).toEqual(['localhost']);
  await writeFile(pair.cert, 'damaged');
  expect((await loadCertificate(selfSignedPair(environment), Date.now())).fingerprint).not.toBe(fingerprint);
  await chmod(home, 0o700);
});

test('ticket keys rotate in the same way in all processes, and the one before stays', () => {
  const start = 1_000_000_000_000;
  const keys = TicketKeys.make(start);
  const child = TicketKeys.imported(keys.exported(start));
  const [, secret = ''] = keys.exported(start).split('.');
  const first = Buffer.from(keys.bytes(start));
  const later = start + TicketKeys.msToRotation(start);
  const second = Buffer.from(keys.bytes(later));
  expect(second.equals(first)).toBe(false);
  expect(second.subarray(80).equals(first.subarray(0, 80))).toBe(true);
  expect(Buffer.from(child?.bytes(later) ?? []).equals(second)).toBe(true);
  expect(Buffer.from(keys.bytes(start)).equals(second)).toBe(true);
  expect(keys.exported(later)).not.toContain(secret);
  expect(TicketKeys.imported('1.22.33')).toBeUndefined();
});

// The certificate for localhost that is made for development. It is kept between starts, so that a browser that trusts it
// does so the next time.

import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { messageOf } from '../errors.ts';
import { logLine } from '../log/log-line.ts';
import { checkCertificate } from './certificate.ts';
import { issueCertificate } from './issued-certificate.ts';

const HOSTS = ['localhost', '127.0.0.1', '::1'];

const DAY_MS = 86_400_000;

/** Browsers do not accept longer ones. */
const VALID_DAYS = 397;

/** With less time left, another one is made. */
const MIN_DAYS_LEFT = 30;

/** A pair as node:tls takes it: paths, or PEM where it cannot be kept. */
interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Returns the pair that an earlier start has made, or makes it. */
export function selfSignedPair(environment: NodeJS.ProcessEnv = process.env): Pair {
  const file = join(
    environment['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'),
    'epoll-server',
    'localhost.pem',
  );
  const pair = { cert: file, key: file };
  if (isUsable(file)) return pair;
  const made = makePair();
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // Another process may make one at the same time.
    const unfinished = `${file}.${process.pid}`;
    writeFileSync(unfinished, made.cert + made.key, { mode: 0o600 });
    renameSync(unfinished, file);
  } catch (error) {
    logLine(`the certificate for localhost cannot be kept, and the next start makes another one: ${messageOf(error)}`);
    return made;
  }
  logLine(
    `made a certificate for localhost: ${file}. Browsers warn of it until it is trusted; curl takes --cacert ${file}`,
  );
  return pair;
}

function isUsable(file: string): boolean {
  try {
    const pem = { name: file, bytes: readFileSync(file) };
    const { notAfter } = checkCertificate({ cert: pem, key: pem }, Date.now());
    return notAfter.getTime() > Date.now() + MIN_DAYS_LEFT * DAY_MS;
  } catch {
    return false;
  }
}

function makePair(): Pair {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const notAfter = new Date(Date.now() + VALID_DAYS * DAY_MS);
  return {
    cert: issueCertificate({ name: 'localhost', hosts: HOSTS, key, notAfter }),
    key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

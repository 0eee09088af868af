// Who a browser is, in a cookie that it keeps and cannot change: its content is signed (HMAC-SHA-256). Nothing is kept
// here, so a session ends when its time is over, and not before.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const COOKIE = 'session';
const MAX_AGE_S = 3_600;
const MIN_SECRET_LENGTH = 32;

export class Sessions {
  #secret;

  /** `secret`: the same for all processes, and after a restart; without one, sessions end with the process. */
  constructor(secret) {
    if (secret !== undefined && secret.length < MIN_SECRET_LENGTH) {
      throw new Error(`SESSION_SECRET must have ${MIN_SECRET_LENGTH} characters at least: try "openssl rand -hex 32"`);
    }
    this.#secret = secret ?? randomBytes(32);
  }

  /** The session of a request; a new one, of nobody, if it has none that is genuine and in time. */
  of(context) {
    const [payload = '', signature = ''] = context.cookie(COOKIE).split('.');
    const session = isEqual(signature, this.#sign('session', payload)) ? decode(payload) : null;
    if (session !== null && session.expires > Date.now()) return session;
    return this.begin(context, null);
  }

  /** A new session, so that nobody can know it beforehand; `user` is null for somebody unknown. */
  begin(context, user) {
    const session = { id: randomBytes(16).toString('base64url'), user, expires: Date.now() + MAX_AGE_S * 1_000 };
    const payload = Buffer.from(JSON.stringify(session)).toString('base64url');
    const value = `${payload}.${this.#sign('session', payload)}`;
    // Behind a proxy with TLS add "; Secure".
    const cookie = `${COOKIE}=${value}; Path=/; Max-Age=${MAX_AGE_S}; HttpOnly; SameSite=Lax`;
    // The last one counts: a login replaces what this request began with.
    context.headers = [...context.headers.filter(([name]) => name !== 'Set-Cookie'), ['Set-Cookie', cookie]];
    return session;
  }

  /** Stands in each form: another site can make a browser post one, but cannot know this. */
  formToken(session) {
    return this.#sign('form', session.id);
  }

  isFormToken(session, token) {
    return isEqual(token, this.formToken(session));
  }

  #sign(purpose, text) {
    return createHmac('sha256', this.#secret).update(`${purpose}:${text}`).digest('base64url');
  }
}

/** Takes as long wherever the two differ. */
function isEqual(given, expected) {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function decode(payload) {
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
}

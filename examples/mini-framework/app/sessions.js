// Sessions in a signed cookie (HMAC-SHA-256), which the browser stores and cannot change. The server stores nothing, so
// a session ends only when it expires.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const COOKIE = 'session';
const MAX_AGE_S = 3_600;
const MIN_SECRET_LENGTH = 32;

export class Sessions {
  #secret;

  /** `secret`: the same for all processes, and after a restart; without one, sessions end with the process. */
  constructor(secret) {
    if (secret !== undefined && secret.length < MIN_SECRET_LENGTH) {
      throw new Error(`SESSION_SECRET must have at least ${MIN_SECRET_LENGTH} characters: try "openssl rand -hex 32"`);
    }
    this.#secret = secret ?? randomBytes(32);
  }

  /** The session of a request; a new anonymous one if the cookie is missing, invalid or expired. */
  of(context) {
    const [payload = '', signature = ''] = context.cookie(COOKIE).split('.');
    const session = isEqual(signature, this.#sign('session', payload)) ? decode(payload) : null;
    if (session !== null && session.expires > Date.now()) return session;
    return this.begin(context, null);
  }

  /** Begins a new session, whose id cannot be known beforehand; `user` is null for an anonymous visitor. */
  begin(context, user) {
    const session = { id: randomBytes(16).toString('base64url'), user, expires: Date.now() + MAX_AGE_S * 1_000 };
    const payload = Buffer.from(JSON.stringify(session)).toString('base64url');
    const value = `${payload}.${this.#sign('session', payload)}`;
    // Behind a proxy with TLS add "; Secure".
    const cookie = `${COOKIE}=${value}; Path=/; Max-Age=${MAX_AGE_S}; HttpOnly; SameSite=Lax`;
    // Replaces an earlier cookie: a login replaces the session of the request.
    context.headers = [...context.headers.filter(([name]) => name !== 'Set-Cookie'), ['Set-Cookie', cookie]];
    return session;
  }

  /** A token for each form: another site can make a browser post a form, but does not know the token. */
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

/** Compares in constant time. */
function isEqual(given, expected) {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function decode(payload) {
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
}

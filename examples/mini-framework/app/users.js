// The accounts, in memory and bounded. Passwords are stored as scrypt hashes, which the thread pool computes.

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { HttpError } from './framework.js';

/** A site with more users needs a database. */
const MAX_USERS = 1_000;

/** OWASP's password storage cheat sheet: N=2^14, r=8, p=5 takes 16 MiB and about a quarter of a second. */
const COST = { N: 16_384, r: 8, p: 5 };
const HASH_BYTES = 32;

/** Concurrent hashes: the thread pool has four threads, which files need too. */
const MAX_HASHES = 8;

const derive = promisify(scrypt);

export class Users {
  #users = new Map();
  #hashes = 0;

  /** Resolves to false if the name is taken. */
  async add(name, password) {
    const key = name.toLowerCase();
    if (this.#users.has(key)) return false;
    if (this.#users.size >= MAX_USERS) throw new HttpError(503, 'There is no room for another account.');
    const salt = randomBytes(16);
    const hash = await this.#hash(password, salt);
    if (this.#users.has(key)) return false;
    this.#users.set(key, { name, salt, hash });
    return true;
  }

  /** The registered name, or null. An unknown name takes as long as a wrong password. */
  async check(name, password) {
    const user = this.#users.get(name.toLowerCase());
    const hash = await this.#hash(password, user?.salt ?? Buffer.alloc(16));
    return user !== undefined && timingSafeEqual(hash, user.hash) ? user.name : null;
  }

  async #hash(password, salt) {
    if (this.#hashes >= MAX_HASHES) throw new HttpError(503, 'Too many people are logging in: try again in a moment.');
    this.#hashes++;
    try {
      return await derive(password.normalize('NFKC'), salt, HASH_BYTES, COST);
    } finally {
      this.#hashes--;
    }
  }
}

// Runs in a worker thread: compares passwords with bcrypt hashes, which takes a twentieth of a second each.

import { parentPort } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';
import type { PasswordAnswer, PasswordQuestion } from './password-checker.ts';

parentPort?.on('message', ({ id, password, hash }: PasswordQuestion) => {
  const answer: PasswordAnswer = { id, isRight: compareSync(password, hash) };
  parentPort?.postMessage(answer);
});

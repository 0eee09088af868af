// The error of a system call that failed.

import { getSystemErrorMap } from 'node:util';
import { EpollServerError } from '../errors.ts';

/** A system call that failed where the program cannot continue: `call`, `errno` and its name. */
export class NativeError extends EpollServerError {
  readonly call: string;
  readonly errno: number;
  readonly errnoName: string;

  constructor(call: string, result: number, doing = '') {
    const [name, text] = getSystemErrorMap().get(result) ?? [`errno ${-result}`, 'unknown error'];
    super('ERR_SYSTEM_CALL', `${doing}${doing === '' ? '' : ': '}${call} failed: ${text} (${name})`);
    this.name = 'NativeError';
    this.call = call;
    this.errno = -result;
    this.errnoName = name;
  }
}

/**
 * Returns `result`. `doing`: what the call was for, which begins the message.
 * @throws NativeError when `result` is `-errno`.
 */
export function check(call: string, result: number, doing?: string): number {
  if (result < 0) throw new NativeError(call, result, doing);
  return result;
}

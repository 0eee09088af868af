// The numbers of errno(3), and an error that names the system call.
// It must not know who called.

import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { EpollServerError } from '../errors.ts';

const { errno } = constants;

/** Results of kernel calls that the layers above treat by name, negative as they are returned. */
export const EAGAIN: number = -errno.EAGAIN;
export const EINTR: number = -errno.EINTR;
export const EMFILE: number = -errno.EMFILE;
export const ENFILE: number = -errno.ENFILE;
export const ENOBUFS: number = -errno.ENOBUFS;
export const ENOMEM: number = -errno.ENOMEM;
export const ECONNABORTED: number = -errno.ECONNABORTED;
export const EINVAL: number = -errno.EINVAL;
export const EIO: number = -errno.EIO;
export const ENODATA: number = -errno.ENODATA;
export const ENOSYS: number = -errno.ENOSYS;
export const EBADF: number = -errno.EBADF;
export const EEXIST: number = -errno.EEXIST;
export const ENOENT: number = -errno.ENOENT;
export const EPIPE: number = -errno.EPIPE;
export const ECONNRESET: number = -errno.ECONNRESET;
export const ENOTCONN: number = -errno.ENOTCONN;
export const EPROTO: number = -errno.EPROTO;
export const EPERM: number = -errno.EPERM;
export const ENOSPC: number = -errno.ENOSPC;
export const ENETDOWN: number = -errno.ENETDOWN;
export const ENETUNREACH: number = -errno.ENETUNREACH;
export const EHOSTUNREACH: number = -errno.EHOSTUNREACH;
export const ENOPROTOOPT: number = -errno.ENOPROTOOPT;
export const EOPNOTSUPP: number = -errno.EOPNOTSUPP;
/** Not among Node's constants: Linux's number, which elsewhere means something that accept(2) does not return. */
export const EHOSTDOWN: number = -112;

/** A system call that failed where nothing else could be done: `call`, `errno` and its name. */
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

/** `result` itself, or a {@link NativeError} when it is `-errno`. */
export function check(call: string, result: number, doing?: string): number {
  if (result < 0) throw new NativeError(call, result, doing);
  return result;
}

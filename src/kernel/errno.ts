// The numbers of errno(3), negative, as kernel calls return them.

import { constants } from 'node:os';

const { errno } = constants;

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
export const EADDRINUSE: number = -errno.EADDRINUSE;
export const ECONNREFUSED: number = -errno.ECONNREFUSED;
export const EPERM: number = -errno.EPERM;
export const ENOSPC: number = -errno.ENOSPC;
export const ENETDOWN: number = -errno.ENETDOWN;
export const ENETUNREACH: number = -errno.ENETUNREACH;
export const EHOSTUNREACH: number = -errno.EHOSTUNREACH;
export const ENOPROTOOPT: number = -errno.ENOPROTOOPT;
export const EOPNOTSUPP: number = -errno.EOPNOTSUPP;
/** Not among Node's constants: Linux's number, which elsewhere means something that accept(2) does not return. */
export const EHOSTDOWN: number = -112;

// Every system call that the server makes while it serves, with every error that its man page names, and what must
// come of it. Injected with strace, which does not execute the call: a failed close leaks its descriptor by
// construction, and a failed accept4, recvfrom or sendto eats the edge that was reported for it.

/** Each call may be made as one of several system calls, by version of the C library and of libuv. */
export const INJECTIONS = [
  {
    call: 'accept4',
    errors: [
      'EAGAIN',
      'ECONNABORTED',
      'EINTR',
      'EMFILE',
      'ENFILE',
      'ENOBUFS',
      'ENOMEM',
      'EPERM',
      'EPROTO',
      'EINVAL',
      'EBADF',
      'ENETDOWN',
    ],
  },
  {
    call: 'recvfrom',
    errors: [
      'EAGAIN',
      'EINTR',
      'ECONNRESET',
      'ECONNREFUSED',
      'ENOMEM',
      'ENOTCONN',
      'ETIMEDOUT',
      'EINVAL',
      'EBADF',
      'EFAULT',
    ],
  },
  {
    call: 'sendto',
    errors: ['EAGAIN', 'EINTR', 'ECONNRESET', 'EPIPE', 'ENOBUFS', 'ENOMEM', 'ENOTCONN', 'EMSGSIZE', 'EINVAL', 'EBADF'],
  },
  { call: 'sendmsg', errors: ['EAGAIN', 'EINTR', 'ECONNRESET', 'EPIPE', 'ENOBUFS', 'ENOMEM', 'ENOTCONN'] },
  { call: 'sendfile', errors: ['EAGAIN', 'EINVAL', 'EIO', 'ENOMEM', 'EBADF', 'EOVERFLOW'] },
  { call: 'epoll_wait', errors: ['EINTR', 'EBADF', 'EFAULT', 'EINVAL'] },
  { call: 'epoll_ctl', errors: ['ENOMEM', 'ENOSPC', 'EEXIST', 'ENOENT', 'EPERM', 'EINVAL', 'EBADF', 'ELOOP'] },
  { call: 'shutdown', errors: ['ENOTCONN', 'EINVAL', 'EBADF'] },
  {
    call: 'openat2',
    errors: ['EMFILE', 'ENFILE', 'ENOMEM', 'EACCES', 'ENOENT', 'EAGAIN', 'EINTR', 'ELOOP', 'EXDEV', 'ENOSYS'],
  },
  { call: 'openat', errors: ['EMFILE', 'ENFILE', 'ENOMEM', 'EACCES', 'ENOENT', 'EINTR', 'ELOOP'] },
  { call: 'fstat', errors: ['ENOMEM', 'EACCES', 'EBADF', 'EOVERFLOW'] },
  { call: 'statx', errors: ['ENOMEM', 'EACCES', 'ENOENT'] },
  { call: 'pread64', errors: ['EINTR', 'EIO', 'EAGAIN', 'EISDIR'] },
  { call: 'preadv2', errors: ['EINTR', 'EIO', 'EAGAIN', 'EOPNOTSUPP'] },
  { call: 'close', errors: ['EINTR', 'EIO', 'ENOSPC', 'EDQUOT'] },
];

/** Calls of which a failed one leaves its descriptor open, since it was not executed. */
export const LEAKS_WHEN_INJECTED = new Set(['close']);

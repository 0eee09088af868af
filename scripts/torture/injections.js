// Every system call of the serving path, with every error of its man page. strace injects the error without executing
// the call: so a failed close leaks its descriptor, and a failed accept4, recvfrom or sendto loses the reported edge.

/**
 * A call may be one of several system calls, depending on the versions of the C library and libuv. `flags`: non-default
 * flags of the server. `isRare`: every second call fails instead of every seventh. Models with a thread or a process
 * for each client start too slowly under strace.
 */
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
  { call: 'sendfile', errors: ['EAGAIN', 'EINTR', 'EINVAL', 'EIO', 'ENOMEM', 'EBADF', 'EOVERFLOW', 'EPIPE'] },
  { call: 'epoll_wait', errors: ['EINTR', 'EBADF', 'EFAULT', 'EINVAL'] },
  { call: 'epoll_ctl', errors: ['ENOMEM', 'ENOSPC', 'EEXIST', 'ENOENT', 'EPERM', 'EINVAL', 'EBADF', 'ELOOP'] },
  { call: 'shutdown', isRare: true, errors: ['ENOTCONN', 'EINVAL', 'EBADF'] },
  { call: 'ioctl', isRare: true, errors: ['EINVAL', 'ENOTTY', 'EBADF'] },
  { call: 'setsockopt', isRare: true, errors: ['EINVAL', 'ENOPROTOOPT', 'EBADF'] },
  {
    call: 'openat2',
    errors: ['EMFILE', 'ENFILE', 'ENOMEM', 'EACCES', 'ENOENT', 'EAGAIN', 'EINTR', 'ELOOP', 'EXDEV', 'ENOSYS'],
  },
  { call: 'openat', errors: ['EMFILE', 'ENFILE', 'ENOMEM', 'EACCES', 'ENOENT', 'EINTR', 'ELOOP'] },
  { call: 'newfstatat', errors: ['ENOMEM', 'EACCES', 'EBADF', 'EOVERFLOW'] },
  { call: 'fstat', errors: ['ENOMEM', 'EACCES', 'EBADF', 'EOVERFLOW'] },
  { call: 'statx', isRare: true, errors: ['ENOMEM', 'EACCES', 'ENOENT'] },
  { call: 'pread64', isRare: true, errors: ['EINTR', 'EIO', 'EAGAIN', 'EISDIR'] },
  { call: 'preadv2', isRare: true, errors: ['EINTR', 'EIO', 'EAGAIN', 'EOPNOTSUPP'] },
  { call: 'close', errors: ['EINTR', 'EIO', 'ENOSPC', 'EDQUOT'] },
  { call: 'poll', flags: ['--backend', 'poll'], errors: ['EINTR', 'ENOMEM', 'EINVAL', 'EFAULT'] },
  { call: 'recvfrom', flags: ['--backend', 'poll'], errors: ['EAGAIN', 'EINTR', 'ECONNRESET'] },
  { call: 'accept4', flags: ['--backend', 'poll'], errors: ['EAGAIN', 'EMFILE'] },
  { call: 'pselect6', flags: ['--backend', 'select'], errors: ['EINTR', 'ENOMEM', 'EINVAL', 'EBADF'] },
  { call: 'sendto', flags: ['--backend', 'select'], errors: ['EAGAIN', 'EINTR', 'EPIPE'] },
  { call: 'recvfrom', flags: ['--model', 'nonblocking'], errors: ['EAGAIN', 'EINTR', 'ECONNRESET'] },
  { call: 'recvfrom', flags: ['--model', 'coroutine'], errors: ['EAGAIN', 'EINTR', 'ECONNRESET'] },
  { call: 'sendto', flags: ['--model', 'coroutine'], errors: ['EAGAIN', 'EINTR', 'EPIPE'] },
  { call: 'poll', flags: ['--model', 'iterative'], errors: ['EINTR', 'ENOMEM', 'EINVAL'] },
  { call: 'accept4', flags: ['--model', 'iterative'], errors: ['EAGAIN', 'EINTR', 'ECONNABORTED', 'EMFILE'] },
  { call: 'recvfrom', flags: ['--model', 'iterative'], errors: ['EAGAIN', 'EINTR', 'ECONNRESET'] },
  { call: 'sendto', flags: ['--model', 'iterative'], errors: ['EINTR', 'EPIPE', 'ENOBUFS'] },
];

/** Calls whose injected failure leaves the descriptor open, since they were not executed. */
export const LEAKS_WHEN_INJECTED = new Set(['close']);

// Whether this system has huge pages for whoever asks: Linux from 6.1 on, unless they were left out of it.

import { existsSync } from 'node:fs';
import { release } from 'node:os';

const [major = 0, minor = 0] = release().split('.').map(Number);

export const HAS_HUGE_PAGES: boolean =
  process.platform === 'linux' &&
  (major > 6 || (major === 6 && minor >= 1)) &&
  existsSync('/sys/kernel/mm/transparent_hugepage');

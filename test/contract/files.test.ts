// Tests that the real file system keeps the contract of `Files`.

import { createNativeFiles } from '../../src/kernel/files.ts';
import { filesContract } from './files.contract.ts';
import { listsContract } from './lists.contract.ts';

filesContract('native', () => createNativeFiles());
listsContract('native', () => createNativeFiles());

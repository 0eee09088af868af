// Tests that the files of this machine keep the contract.

import { createNativeFiles } from '../../src/kernel/files.ts';
import { filesContract } from './files.contract.ts';
import { listsContract } from './lists.contract.ts';

filesContract('native', () => createNativeFiles());
listsContract('native', () => createNativeFiles());

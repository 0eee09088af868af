// Tests the contract of all models for the multithread model.

import { childrenContract } from './children.ts';
import { modelContract } from './model.contract.ts';

modelContract('multithread');
childrenContract('multithread');

// The contract of all models, for one of them.

import { childrenContract } from './children.ts';
import { modelContract } from './model.contract.ts';

modelContract('multithread');
childrenContract('multithread');

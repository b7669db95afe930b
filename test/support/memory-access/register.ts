import { kinds } from '../../../shared/providers/index.ts';
import { memoryAccess } from './index.ts';

kinds.push(memoryAccess);

import { createHash } from 'node:crypto';
import { plus } from '../../shared/domain/time.ts';
import { approvalMail } from '../../shared/pages/mails.ts';
import type { Activity } from './index.ts';

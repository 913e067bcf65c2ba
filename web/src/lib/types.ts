import type { z } from 'zod';
import type {
  historySchema,
  nameSchema,
  operationSchema,
  reportSchema,
  specSchema,
  statusSchema,
  summarySchema,
} from '../../../src/http/schemas.ts';

/** What the API answers, in its own types: nothing of it is written twice. */
export type Name = z.output<typeof nameSchema>;
export type NameState = Name['state'];
export type RecordSpec = z.output<typeof specSchema>;
export type HistoryEntry = z.output<typeof historySchema>;
export type Operation = z.output<typeof operationSchema>;
export type Report = z.output<typeof reportSchema>;
export type Status = z.output<typeof statusSchema>;
export type Summary = z.output<typeof summarySchema>;

/** The states in the order in which somebody wants to hear of them. */
export const STATES: readonly NameState[] = [
  'in_sync',
  'missing',
  'modified',
  'orphaned',
  'conflict',
  'blocked',
  'failed',
];

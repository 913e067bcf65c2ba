import type { Problem } from '../dns/desired.ts';
import type { Change, NameState } from '../dns/record.ts';

/** What became of one change of a name. */
export interface ChangeResult {
  readonly change: Change;
  readonly result: 'done' | 'held' | 'refused' | 'unknown' | 'deferred';
  readonly error: Problem | null;
}

/** What one run of a name came to. */
export interface ChangeOutcome {
  readonly state: NameState | 'gone';
  readonly problem: Problem | null;
  readonly changes: readonly ChangeResult[];
  /** Why a person's order was not carried out; null when there was none, or it was. */
  readonly refusal: Problem | null;
}

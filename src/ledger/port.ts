import type { DesiredRow } from '../dns/desired.ts';
import type { Action, ActualRecord, Change, ConsumerRef, NameState, RecordSpec, TrackedRecord } from '../dns/record.ts';
import type { ErrorCode } from '../errors.ts';

/** A write that may have reached Cloudflare, as read back from the ledger. */
export interface Intent {
  readonly id: string;
  readonly epoch: number;
  readonly zoneId: string;
  readonly fqdn: string;
  readonly action: Action;
  /** The record that is changed. Of a dropped create: a record that was tracked until a look did not show it. */
  readonly recordId: string | null;
  readonly consumer: ConsumerRef | null;
  /** As of a {@link Change}: a deletion that leaves its name with a record. */
  readonly replaced: boolean;
  readonly state: 'open' | 'dropped';
  /** Milliseconds until its deadline, by the database's clock at the time of reading; negative once it is over. */
  readonly remainingMs: number;
}

/** A write that is about to leave. */
export type NewIntent = Omit<Intent, 'epoch' | 'state' | 'remainingMs'>;

/** The stored state of a name that is not simply in sync. */
export interface StoredState {
  readonly state: NameState;
  readonly code: ErrorCode | null;
  readonly reason: string | null;
}

/** All that the ledger knows of a name. */
export interface NameFacts {
  readonly fqdn: string;
  /** The rows of the view `desired` that lead to this name, as last read. */
  readonly rows: readonly DesiredRow[];
  readonly tracked: readonly TrackedRecord[];
  /** Open and dropped intents. */
  readonly intents: readonly Intent[];
  readonly state: StoredState | null;
}

/** The state of a name as it is to be stored. `gone` and `in_sync` remove the row. */
export interface StateUpdate {
  readonly fqdn: string;
  readonly zone: string | null;
  readonly state: NameState | 'gone';
  readonly code: ErrorCode | null;
  readonly reason: string | null;
  /** Milliseconds from now until the next attempt; null when nothing is planned. */
  readonly nextTryMs: number | null;
  readonly desired: readonly RecordSpec[];
  readonly actual: readonly RecordLike[];
  readonly consumer: ConsumerRef | null;
}

/** The fields of an actual record that are shown beside the desired ones. */
export type RecordLike = Pick<ActualRecord, 'type' | 'content' | 'ttl' | 'proxied'>;

/** Why something was done, and at whose request: written into the history. */
export interface Cause {
  /** `change`, `drift`, `retry`, `resync`, `sync`, `delete`, `adopt`, `start`. */
  readonly trigger: string;
  readonly operationId: string | null;
  /** Who asked, for operations. */
  readonly actor: string | null;
}

/** What became of one change. */
export interface SettledChange {
  readonly change: Change;
  readonly intentId: string;
  readonly zoneId: string;
  readonly zone: string;
  readonly consumer: ConsumerRef | null;
  readonly cause: Cause;
  readonly result: 'done' | 'refused' | 'unknown';
  /** For a create or update that was done: the record as Cloudflare has it now. */
  readonly record: ActualRecord | null;
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
}

/** What is corrected in `dns_records` after a look, without any call. */
export interface Correction {
  /** Tracked rows whose record a look did not show. They are remembered like dropped intents, in case it was stale. */
  readonly forget: readonly { readonly zoneId: string; readonly recordId: string }[];
  /** Tracked rows that say something else than the record, which is as it should be. */
  readonly refresh: readonly {
    readonly zoneId: string;
    readonly record: ActualRecord;
    readonly consumer: ConsumerRef | null;
  }[];
  /**
   * Records that are tracked from now on: they carry the mark of an intent of ours, which ends with that, or (without an
   * intent) a person asked to adopt them.
   */
  readonly track: readonly {
    readonly zoneId: string;
    readonly zone: string;
    readonly record: ActualRecord;
    readonly consumer: ConsumerRef | null;
    readonly intent: Intent | null;
    readonly cause: Cause;
  }[];
  /**
   * Open or dropped deletions whose record is gone: they happened, so the history tells of them, and the guard counts those that
   * were to leave the name without a record (`replaced` is false).
   */
  readonly deleted: readonly {
    readonly intent: Intent;
    readonly zone: string;
    readonly type: string;
    readonly cause: Cause;
    readonly replaced: boolean;
  }[];
  /**
   * Open creates that left no record, and open deletions that left theirs: remembered for a day, in case the call takes effect
   * late.
   */
  readonly drop: readonly string[];
  /** Intents that are of no more use. */
  readonly end: readonly string[];
}

/** A range of names in the order of a survey; the token continues it. */
export interface SurveyPage {
  readonly names: readonly NameFacts[];
  /** Null after the last page. */
  readonly next: string | null;
}

/** What is known of the deletions in one zone. */
export interface Deletions {
  /** Does anybody want anything at all, in whatever zone? */
  readonly anythingWanted: boolean;
  /** Names, each as often as it was emptied within the window, neither ordered nor confirmed by a person. */
  readonly done: number;
  /** Begun by a predecessor; nobody has looked at their outcome. */
  readonly predecessors: number;
  /** Names of those that were given up within the window: they may still take effect. */
  readonly uncertain: readonly string[];
}

/**
 * What is ours: records, intents, states, history. Each method is one transaction. All that writes on behalf of the leader
 * throws `not_leader` once its epoch is over, and has then changed nothing.
 */
export interface Ledger {
  /** All that is known of these names. A name that nobody knows has empty facts. */
  facts(fqdns: readonly string[]): Promise<ReadonlyMap<string, NameFacts>>;
  /** Goes through all names (or those of one zone) that anybody knows, without their intents. */
  survey(options: {
    readonly zone: string | null;
    readonly after: string | null;
    readonly limit: number;
  }): Promise<SurveyPage>;
  /**
   * Step 1 of a write: intents, with a deadline on the database's clock. Also forgets the tracked rows of records that a
   * look did not show (as {@link Correction.forget} does), so that none points at nothing when the new one is there.
   */
  begin(
    intents: readonly NewIntent[],
    forget: readonly { zoneId: string; recordId: string }[],
    deadlineMs: number,
  ): Promise<void>;
  /**
   * Step 3 of a write. Not fenced: what happened has happened. An intent that somebody settled meanwhile is left alone.
   * An unknown result leaves its intent open.
   */
  settle(changes: readonly SettledChange[]): Promise<void>;
  /** Makes all of these corrections, as if one after the other, or none of them: an error that lasts lies in one. */
  correct(corrections: readonly Correction[]): Promise<void>;
  setStates(updates: readonly StateUpdate[]): Promise<void>;
  /** Names with open intents: looked at first by a new leader. */
  unsettledNames(limit: number): Promise<readonly string[]>;
  /** What tells whether more names of the zone may be deleted, looking back so many milliseconds. */
  deletions(zone: { readonly id: string; readonly name: string }, windowMs: number): Promise<Deletions>;
  /** Names of the zone that hold a tracked record, or were emptied within the window as {@link Deletions.done} counts it. */
  trackedIn(zone: { readonly id: string; readonly name: string }, windowMs: number): Promise<number>;
  /** Removes what is too old to matter: dropped intents after a day, history, operations, spend. */
  prune(historyDays: number): Promise<void>;
}

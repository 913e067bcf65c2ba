import type { CallEffect } from './machine.ts';
import type { ApiEffect } from './memory-cloudflare.ts';

/** Calls of the core to the database: each is a place where a fault can strike. */
export const DATABASE_POINTS = [
  ...([
    'ledger.facts',
    'ledger.survey',
    'ledger.begin',
    'ledger.settle',
    'ledger.correct',
    'ledger.setStates',
  ] as const),
  ...(['ledger.unsettledNames', 'ledger.deletions', 'ledger.trackedIn'] as const),
  ...(['source.known', 'source.noted', 'source.consumers', 'source.differences', 'source.write'] as const),
  ...(['leader.acquire', 'leader.renew', 'leader.release', 'spend.reserve', 'spend.outstanding'] as const),
  ...(['operations.take', 'operations.progress', 'operations.finish', 'operations.useConfirmation'] as const),
  'daemon.inspect',
] as const;
/** Calls of the core to Cloudflare. */
export const API_POINTS = ['list_zones', 'list_records', 'batch'] as const;

/** One thing that happens, at a moment of its own. */
export type Strike = { readonly at: number } & (
  | {
      readonly kind: 'want' | 'unwant' | 'remove' | 'retarget' | 'broken target';
      readonly n: number;
      readonly m: number;
    }
  | { readonly kind: 'settings'; readonly n: number }
  | { readonly kind: 'foreign'; readonly n: number; readonly m: number }
  | { readonly kind: 'edit' | 'delete'; readonly n: number }
  /** `confirm again`: the plan that was confirmed last, once more. */
  | { readonly kind: 'sync' | 'plan and confirm' | 'confirm again' }
  | { readonly kind: 'delete order' | 'adopt order'; readonly n: number; readonly force: boolean }
  | { readonly kind: 'crash' | 'terminate'; readonly daemon: number; readonly ms: number }
  | { readonly kind: 'pause'; readonly daemon: number; readonly ms: number }
  | { readonly kind: 'clock jumps'; readonly daemon: number; readonly ms: number }
  | { readonly kind: 'database down' | 'token revoked'; readonly ms: number }
  | { readonly kind: 'database crash' }
  | { readonly kind: 'notifications'; readonly how: 'lost' | 'doubled' | 'late'; readonly ms: number }
  | { readonly kind: 'deaf'; readonly daemon: number; readonly ms: number }
  | {
      readonly kind: 'database call';
      readonly point: string | null;
      readonly effect: CallEffect;
      /** How long a slow one takes; drawn where it is not said. */
      readonly ms?: number;
    }
  | { readonly kind: 'api call'; readonly point: string | null; readonly effect: ApiEffect }
);

/** Strikes that nobody in their right mind would order: what is counted as a fault. */
export function isFault({ kind }: Strike): boolean {
  const acts = ['want', 'unwant', 'remove', 'retarget', 'broken target', 'settings', 'foreign', 'edit', 'delete'];
  return (
    !acts.includes(kind) &&
    !['sync', 'plan and confirm', 'confirm again', 'delete order', 'adopt order', 'terminate'].includes(kind)
  );
}

/** Everything that will happen in a schedule, drawn from its seed before it begins. */
export interface Plan {
  readonly daemons: number;
  readonly apiBudget: number;
  /** Calls that the largest lot of the budget holds; the core's own choice where it is not said. */
  readonly lotCalls?: number;
  readonly guard: { readonly share: number; readonly min: number };
  readonly driftMinMs: number;
  readonly smallPages: boolean;
  readonly deleteGraceMs: number;
  /** Calls go through Cloudflare's SDK and Bottleneck: the same otherwise, but several times slower. */
  readonly libraries: boolean;
  readonly strikes: readonly Strike[];
  /** When the last strike falls. */
  readonly lastsMs: number;
  /** If fewer faults have struck by then, more are added. */
  readonly leastFaults: number;
}

/** Names that consumers want. */
export const LABELS = 10;

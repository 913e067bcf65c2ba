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
  ...(['ledger.unsettledNames', 'ledger.deletions', 'ledger.trackedIn', 'ledger.prune'] as const),
  ...(['source.known', 'source.noted', 'source.consumers', 'source.differences', 'source.write'] as const),
  ...(['leader.acquire', 'leader.renew', 'leader.release', 'leader.notify'] as const),
  ...(['spend.reserve', 'spend.outstanding'] as const),
  ...(['operations.take', 'operations.progress', 'operations.finish', 'operations.useConfirmation'] as const),
  'daemon.inspect',
] as const;
export type DatabasePoint = (typeof DATABASE_POINTS)[number];
/** Calls of the core to Cloudflare: of a list, the first page and those that follow; and a look at one name. */
export const API_POINTS = ['list_zones', 'list_records', 'next_page', 'lookup', 'batch'] as const;
export type ApiPoint = (typeof API_POINTS)[number];

/** How a configuration can differ from that of the schedule: never so that it allows more. */
export const DEVIATIONS = ['dry run', 'upsert-only', 'create-only', 'no deletions'] as const;
export type Deviation = (typeof DEVIATIONS)[number];

/** One thing that happens, at a moment of its own. */
export type Strike = Act | Blow;

/** What people and applications do, with the application's tables, with records and with orders. */
export type Act = { readonly at: number } & (
  | {
      readonly kind: 'want' | 'unwant' | 'remove' | 'retarget' | 'broken target' | 'rename' | 'rival' | 'rival goes';
      readonly n: number;
      readonly m: number;
    }
  /** The target, where it is not said what changes. */
  | { readonly kind: 'settings'; readonly n: number; readonly what?: 'ttl' | 'proxied' | 'domain' }
  | { readonly kind: 'foreign'; readonly n: number; readonly m: number }
  | { readonly kind: 'edit' | 'delete'; readonly n: number }
  /** `confirm again`: the plan that was confirmed last, once more. */
  | { readonly kind: 'sync' | 'plan and confirm' | 'confirm again' }
  | { readonly kind: 'delete order' | 'adopt order'; readonly n: number; readonly force: boolean }
);

/** What befalls processes, PostgreSQL and Cloudflare. */
export type Blow = { readonly at: number } & (
  | { readonly kind: 'crash' | 'terminate'; readonly daemon: number; readonly ms: number }
  /** Every process that starts from now on has this configuration; one is started anew at once. */
  | { readonly kind: 'configuration'; readonly how: Deviation | 'usual'; readonly daemon: number }
  | { readonly kind: 'pause'; readonly daemon: number; readonly ms: number }
  | { readonly kind: 'clock jumps'; readonly daemon: number; readonly ms: number }
  | { readonly kind: 'database down' | 'token revoked'; readonly ms: number }
  /** Everybody is given a new token, which is good after a third of the time; at its end, the one before is not any more. */
  | { readonly kind: 'token rotated'; readonly ms: number }
  /** For so long, Cloudflare refuses whatever is written to one name, or every new record of the name's zone. */
  | { readonly kind: 'poison' | 'full zone'; readonly n: number; readonly ms: number }
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

/** What happens also on a good day. */
const USUAL = [
  ...(['want', 'unwant', 'remove', 'retarget', 'broken target', 'settings', 'foreign', 'edit', 'delete'] as const),
  ...(['rename', 'rival', 'rival goes', 'configuration', 'token rotated'] as const),
  ...(['sync', 'plan and confirm', 'confirm again', 'delete order', 'adopt order', 'terminate'] as const),
] as const satisfies readonly Strike['kind'][];
const FAULTS = [
  ...(['crash', 'pause', 'clock jumps', 'database down', 'token revoked', 'database crash'] as const),
  ...(['notifications', 'deaf', 'poison', 'full zone', 'database call', 'api call'] as const),
] as const satisfies readonly Strike['kind'][];

/** Strikes that nobody in their right mind would order: what is counted as a fault. */
export function isFault({ kind }: Strike): boolean {
  return !(USUAL as readonly string[]).includes(kind);
}

/** Whether what somebody wrote into a file is a strike. */
export function isStrike(value: unknown): value is Strike {
  const { at, kind } = (value ?? {}) as { readonly at?: unknown; readonly kind?: unknown };
  return typeof at === 'number' && ([...USUAL, ...FAULTS] as readonly unknown[]).includes(kind);
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

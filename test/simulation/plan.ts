import { CALL_EFFECTS, type CallEffect } from './machine.ts';
import { API_EFFECTS, type ApiEffect } from './memory-cloudflare.ts';

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
  | { readonly kind: 'sync' | 'plan and confirm' }
  | { readonly kind: 'delete order' | 'adopt order'; readonly n: number; readonly force: boolean }
  | { readonly kind: 'crash' | 'terminate'; readonly daemon: number; readonly ms: number }
  | { readonly kind: 'pause'; readonly daemon: number; readonly ms: number }
  | { readonly kind: 'clock jumps'; readonly daemon: number; readonly ms: number }
  | { readonly kind: 'database down' | 'token revoked'; readonly ms: number }
  | { readonly kind: 'database crash' }
  | { readonly kind: 'notifications'; readonly how: 'lost' | 'doubled' | 'late'; readonly ms: number }
  | { readonly kind: 'deaf'; readonly daemon: number; readonly ms: number }
  | { readonly kind: 'database call'; readonly point: string | null; readonly effect: CallEffect }
  | { readonly kind: 'api call'; readonly point: string | null; readonly effect: ApiEffect }
);

/** Strikes that nobody in their right mind would order: what is counted as a fault. */
export function isFault({ kind }: Strike): boolean {
  const acts = ['want', 'unwant', 'remove', 'retarget', 'broken target', 'settings', 'foreign', 'edit', 'delete'];
  return (
    !acts.includes(kind) && !['sync', 'plan and confirm', 'delete order', 'adopt order', 'terminate'].includes(kind)
  );
}

/** Everything that will happen in a schedule, drawn from its seed before it begins. */
export interface Plan {
  readonly daemons: number;
  readonly apiBudget: number;
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
const FAULTS = 32;
const LEAST_FAULTS = 20;
const ACTS = 18;

/** What a schedule is mostly about. Rare coincidences become frequent where everything else has to do with them. */
const THEMES = ['anything', 'anything', 'lease', 'guard', 'budget'] as const;
type Theme = (typeof THEMES)[number];

/** Draws a plan. */
export function drawPlan(random: () => number): Plan {
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const theme = pick(THEMES);
  const daemons = theme === 'lease' ? pick([2, 3]) : pick([1, 2, 2, 2, 3]);
  // Most are short: the time that passes while nothing happens costs as much as any other.
  const lastsMs = 10_000 + below(pick([15_000, 15_000, 15_000, 30_000, 30_000, 60_000, 120_000]));
  const strikes: Strike[] = [];
  for (let n = 0; n < LABELS; n++) strikes.push({ at: random() * (lastsMs / 4), kind: 'want', n, m: below(200) });
  for (let i = 0; i < ACTS; i++) strikes.push({ at: random() * lastsMs, ...act(below, pick, theme) });
  for (let i = 0; i < FAULTS; i++) strikes.push({ at: random() * lastsMs, ...fault(below, pick, daemons, theme) });
  return {
    daemons,
    apiBudget: theme === 'budget' ? 50 : pick([200, 1_000]),
    guard: theme === 'guard' || random() < 0.3 ? { share: 0.25, min: 1 } : { share: 1, min: 100 },
    driftMinMs: pick([5_000, 15_000]),
    smallPages: random() < 0.25,
    deleteGraceMs: random() < 0.15 ? 20_000 : 0,
    libraries: random() < 1 / 64,
    strikes: strikes.sort((a, b) => a.at - b.at),
    lastsMs,
    leastFaults: LEAST_FAULTS,
  };
}

type Below = (limit: number) => number;
type Pick = <T>(items: readonly T[]) => T;
type Unplaced<T> = T extends unknown ? Omit<T, 'at'> : never;

function act(below: Below, pick: Pick, theme: Theme): Unplaced<Strike> {
  const n = below(LABELS);
  const m = below(200);
  if (theme === 'guard') return { kind: pick(['want', 'unwant', 'unwant', 'remove', 'retarget']), n, m };
  const kind = pick([
    ...([
      'want',
      'want',
      'want',
      'want',
      'unwant',
      'unwant',
      'remove',
      'retarget',
      'retarget',
      'broken target',
    ] as const),
    ...(['settings', 'foreign', 'edit', 'edit', 'delete', 'delete', 'sync', 'plan and confirm'] as const),
    ...(['delete order', 'adopt order'] as const),
  ]);
  if (kind === 'sync' || kind === 'plan and confirm') return { kind };
  if (kind === 'delete order' || kind === 'adopt order') return { kind, n, force: below(2) === 0 };
  if (kind === 'settings' || kind === 'edit' || kind === 'delete') return { kind, n };
  return { kind, n, m };
}

function fault(below: Below, pick: Pick, daemons: number, theme: Theme): Unplaced<Strike> {
  const daemon = below(daemons);
  if (theme === 'lease' && below(2) === 0) {
    if (below(4) === 0) return { kind: 'pause', daemon, ms: pick([9_000, 15_000, 45_000]) };
    if (below(2) === 0) return { kind: 'database call', point: 'ledger.begin', effect: 'pause after' };
    const point = pick(['leader.renew', 'leader.renew', 'ledger.begin', 'spend.reserve']);
    return { kind: 'database call', point, effect: pick(['slow before', 'slow after', 'fail before', 'fail after']) };
  }
  if (theme === 'budget' && below(2) === 0) return { kind: 'crash', daemon, ms: 0 };
  const chance = below(100);
  if (chance < 40) {
    const point = below(4) === 0 ? null : pick(DATABASE_POINTS);
    return { kind: 'database call', point, effect: pick(CALL_EFFECTS) };
  }
  if (chance < 72) {
    const point = pick(['batch', 'batch', 'batch', 'list_records', 'list_zones']);
    return { kind: 'api call', point, effect: pick(API_EFFECTS) };
  }
  if (chance < 80) return { kind: 'crash', daemon, ms: 100 + below(20_000) };
  if (chance < 82) return { kind: 'terminate', daemon, ms: 1_000 + below(20_000) };
  if (chance < 88) return { kind: 'pause', daemon, ms: pick([500, 5_000, 15_000, 45_000, 200_000]) };
  if (chance < 90) return { kind: 'clock jumps', daemon, ms: pick([-3_600_000, -5_000, 5_000, 86_400_000]) };
  if (chance < 92) return { kind: 'database down', ms: 200 + below(15_000) };
  if (chance < 94) return { kind: 'database crash' };
  if (chance < 95) return { kind: 'token revoked', ms: 1_000 + below(20_000) };
  if (chance < 98) return { kind: 'notifications', how: pick(['lost', 'doubled', 'late']), ms: 2_000 + below(20_000) };
  return { kind: 'deaf', daemon, ms: 15_000 };
}

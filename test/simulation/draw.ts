import { coincidence } from './coincidences.ts';
import { consent } from './consent.ts';
import { CALL_EFFECTS } from './machine.ts';
import { API_EFFECTS, type ApiEffect } from './memory-cloudflare.ts';
import { API_POINTS, DATABASE_POINTS, DEVIATIONS, LABELS, type Plan, type Strike } from './plan.ts';
import { windowSettings, windows } from './windows.ts';

const FAULTS = 32;
const LEAST_FAULTS = 20;
const ACTS = 18;
const COINCIDENCES = 6;
const RARE = 2;
/** Shares of the schedules. */
const DEVIATES = 0.1;
const ROTATES = 0.1;
/** Of deletions only the first ones are let through: what comes later is held, and shows nothing. */
const DELETIONS = 1;
/** Of failures without a death: other faults end at this share of a schedule, and the last coincidence begins so long before its end. */
const QUIET_AFTER = 0.6;
const LAST_MS = 4_000;
/** A deletion that takes effect too late needs so long for it. Milliseconds. */
const DELETIONS_LAST = 45_000;

/** One in so many of the schedules in which lists have several pages. */
const SHIFTS_EVERY = 3;
/** One in so many of the schedules without a death lasts until the ledger is tidied up. */
const UPKEEP_EVERY = 6;
const UPKEEP_LASTS = 70_000;
/** One in so many of the schedules about confirmations. */
const DIES_EVERY = 8;
const DEADLY = ['crash before', 'crash after', 'slow before', 'pause after'] as const;

/**
 * What a schedule is mostly about. Rare coincidences become frequent where everything else has to do with them, and a
 * process that never dies shows what a restart would make up for.
 */
export const THEMES = [
  'anything',
  'lease',
  'guard',
  'budget',
  'beginnings',
  'memory',
  'failures',
  'deletions',
  'consent',
] as const;
/** They cost more time than others, and are drawn less often: one in so many schedules. */
const RARE_THEMES = [
  ['window', 20],
  ['wall clock', 40],
] as const;
export type Theme = (typeof THEMES)[number] | (typeof RARE_THEMES)[number][0];

const NOBODY_DIES: ReadonlySet<Theme> = new Set(['memory', 'failures', 'deletions', 'consent', 'window', 'wall clock']);
/** Of these, all begins with what they are about, and nothing else takes names away. */
const ONE_STORY: ReadonlySet<Theme> = new Set(['deletions', 'consent', 'window', 'wall clock']);

/** What a plan is drawn with. */
export interface Dice {
  /** At least 0, less than 1. */
  readonly random: () => number;
  readonly below: (limit: number) => number;
  readonly pick: <T>(items: readonly T[]) => T;
}

/** Draws a plan. */
export function drawPlan(random: () => number): Plan {
  const below = (limit: number) => Math.floor(random() * limit);
  const dice: Dice = { random, below, pick: <T>(items: readonly T[]): T => items[below(items.length)] as T };
  const { pick } = dice;
  const theme = themeOf(dice);
  const daemons = daemonsOf(theme, dice);
  // Most are short: the time that passes while nothing happens costs as much as any other.
  const spanMs = below(pick([15_000, 15_000, 15_000, 30_000, 30_000, 60_000, 120_000]));
  const upkeep = theme === 'failures' && below(UPKEEP_EVERY) === 0;
  const story = theme === 'window' ? windows(daemons, dice) : null;
  const lasts = theme === 'deletions' || theme === 'consent' ? DELETIONS_LAST : upkeep ? UPKEEP_LASTS : 10_000;
  const lastsMs = story?.lastsMs ?? lasts + spanMs;
  const coincidences = story !== null ? 0 : ONE_STORY.has(theme) ? DELETIONS : COINCIDENCES;
  const strikes: Strike[] = [...(story?.strikes ?? [])];
  const wantedWithin = story === null ? lastsMs / 4 : 5_000;
  for (let n = 0; n < LABELS; n++) strikes.push({ at: random() * wantedWithin, kind: 'want', n, m: below(200) });
  for (let i = 0; i < (story === null ? ACTS : 0); i++) strikes.push({ at: random() * lastsMs, ...act(dice, theme) });
  const faultsEnd = theme === 'failures' ? QUIET_AFTER * lastsMs : lastsMs;
  for (let i = 0; i < FAULTS; i++) strikes.push({ at: random() * faultsEnd, ...fault(dice, daemons, theme) });
  for (let i = 0; i < coincidences; i++) {
    // The last of these failures is followed by nothing that would make up for it.
    const share = theme === 'failures' && i === 0 ? 1 - LAST_MS / lastsMs : random();
    // Deletions are of names that have their records already.
    const begins = (ONE_STORY.has(theme) ? 0.25 + 0.15 * share : share) * lastsMs;
    strikes.push(...(theme === 'consent' ? consent(begins, daemons, dice) : coincidence(theme, begins, daemons, dice)));
  }
  if (random() < DEVIATES && !ONE_STORY.has(theme)) strikes.push(...deviating(lastsMs, daemons, dice));
  if (random() < ROTATES) strikes.push({ at: random() * lastsMs, kind: 'token rotated', ms: 3_000 + below(20_000) });
  // It comes a minute after a term has begun, for which it must live so long.
  if (upkeep) strikes.push({ at: 0, kind: 'database call', point: 'ledger.prune', effect: pick(CALL_EFFECTS) });
  const smallPages = random() < 0.25;
  const guarded = theme === 'guard' || theme === 'deletions' || random() < (theme === 'consent' ? 0.7 : 0.3);
  for (let i = 0; i < RARE && !ONE_STORY.has(theme); i++) {
    strikes.push(...rarely(random() * lastsMs, { theme, daemons, smallPages, guarded }, dice));
  }
  // Where processes die all the time, nothing gets as far as to a confirmation that is used up.
  if (theme === 'consent' && below(DIES_EVERY) === 0)
    strikes.push({ at: 0, kind: 'database call', point: 'operations.useConfirmation', effect: pick(DEADLY) });
  const drawn = {
    daemons,
    apiBudget: theme === 'budget' ? 50 : pick([200, 1_000]),
    guard: guarded ? { share: 0.25, min: 1 } : { share: 1, min: 100 },
    driftMinMs: pick([5_000, 15_000]),
    smallPages,
    deleteGraceMs: random() < 0.15 ? 20_000 : 0,
    libraries: theme === 'wall clock' || random() < 1 / 64,
    lastsMs,
    leastFaults: LEAST_FAULTS,
    ...(story !== null && windowSettings(dice)),
  };
  if (smallPages && !ONE_STORY.has(theme) && below(SHIFTS_EVERY) === 0)
    strikes.push(...shifted(lastsMs, daemons, dice));
  return { ...drawn, strikes: strikes.filter(({ at }) => at < lastsMs).sort((a, b) => a.at - b.at) };
}

/** The first list that a process reads misses a record: it moves to a page that was read already, for another one is gone. */
function shifted(lastsMs: number, daemons: number, { random, below }: Dice): Strike[] {
  const at = (0.3 + 0.3 * random()) * lastsMs;
  return [
    { at, kind: 'api call', point: 'next_page', effect: 'late' },
    ...Array.from({ length: daemons }, (_, daemon): Strike => ({ at: at + 1, kind: 'crash', daemon, ms: 0 })),
    ...Array.from({ length: 4 }, (): Strike => ({ at: at + random() * 25_000, kind: 'delete', n: below(LABELS) })),
  ];
}

function themeOf({ below, pick }: Dice): Theme {
  for (const [theme, every] of RARE_THEMES) if (below(every) === 0) return theme;
  // What shows only where nothing else happens needs more schedules than others.
  return pick([...THEMES, 'failures', 'deletions'] as const);
}

function daemonsOf(theme: Theme, { pick }: Dice): number {
  if (theme === 'lease') return pick([2, 3]);
  return NOBODY_DIES.has(theme) ? 1 : pick([1, 2, 2, 2, 3]);
}

/** For a while, processes are started with another configuration; also one that was started before, and does not know. */
function deviating(lastsMs: number, daemons: number, { random, below, pick }: Dice): Strike[] {
  const at = random() * lastsMs;
  return [
    { at, kind: 'configuration', how: pick(DEVIATIONS), daemon: below(daemons) },
    { at: at + 5_000 + random() * 20_000, kind: 'configuration', how: 'usual', daemon: below(daemons) },
  ];
}

/** A strike at a call that is seldom made, with what calls for it. */
function rarely(
  at: number,
  { theme, daemons, smallPages, guarded }: { theme: Theme; daemons: number; smallPages: boolean; guarded: boolean },
  { below, pick }: Dice,
): Strike[] {
  const n = below(LABELS);
  // What only some themes know is preferred by them.
  const effect = NOBODY_DIES.has(theme)
    ? pick(['fail before', 'fail after', 'slow after'] as const)
    : pick([...CALL_EFFECTS, ...(['crash before', 'crash after', 'slow before', 'pause after'] as const)]);
  const call = (point: string): Strike => ({ at, kind: 'database call', point, effect });
  const why = pick([
    ...(['unwant', 'delete', 'sync', 'confirm'] as const),
    ...(NOBODY_DIES.has(theme) ? [] : (['terminate'] as const)),
    ...(smallPages ? (['page', 'page', 'page', 'page', 'page'] as const) : []),
    ...(guarded ? (['unwant two', 'unwant two', 'unwant two'] as const) : []),
  ]);
  switch (why) {
    case 'unwant': {
      const point = pick(['ledger.deletions', 'source.known', 'source.consumers'] as const);
      return [call(point), { at: at + 1, kind: 'unwant', n, m: 0 }];
    }
    case 'unwant two':
      // The size of the zone is asked for only where more than a few are deleted.
      return [call('ledger.trackedIn'), ...[n, n + 1].map((n): Strike => ({ at: at + 1, kind: 'unwant', n, m: 0 }))];
    case 'delete':
      return [call('ledger.correct'), { at: at + 1, kind: 'delete', n }];
    case 'sync':
      return [call('operations.progress'), { at: at + 1, kind: 'sync' }];
    case 'terminate':
      return [
        call('leader.notify'),
        ...Array.from({ length: daemons }, (_, daemon): Strike => ({ at: at + 1, kind: 'terminate', daemon, ms: 0 })),
      ];
    case 'confirm':
      return [
        call('operations.useConfirmation'),
        { at: at + 1, kind: 'unwant', n, m: 0 },
        { at: at + 1_000, kind: 'plan and confirm' },
      ];
    case 'page': {
      const quick = ['reset before', 'lost after', 'html', 'status 500', 'truncated', 'empty', 'stale'] as ApiEffect[];
      const all = NOBODY_DIES.has(theme)
        ? quick
        : [...API_EFFECTS, ...API_EFFECTS.filter((one) => !quick.includes(one))];
      return [
        { at, kind: 'api call', point: 'next_page', effect: pick(all) },
        { at: at + 1, kind: 'sync' },
      ];
    }
  }
}

type Unplaced<T> = T extends unknown ? Omit<T, 'at'> : never;

function act({ below, pick }: Dice, theme: Theme): Unplaced<Strike> {
  const n = below(LABELS);
  const m = below(200);
  if (ONE_STORY.has(theme)) return { kind: pick(['want', 'retarget']), n, m };
  if (theme === 'guard') return { kind: pick(['want', 'unwant', 'unwant', 'remove', 'retarget', 'rename']), n, m };
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
    ...(['delete order', 'adopt order', 'rename', 'rival', 'rival', 'rival goes'] as const),
  ]);
  if (kind === 'sync' || kind === 'plan and confirm') return { kind };
  if (kind === 'delete order' || kind === 'adopt order') return { kind, n, force: below(2) === 0 };
  if (kind === 'settings') {
    const what = pick([null, null, 'ttl', 'proxied', 'domain'] as const);
    return { kind, n, ...(what !== null && { what }) };
  }
  if (kind === 'edit' || kind === 'delete') return { kind, n };
  return { kind, n, m };
}

function fault(dice: Dice, daemons: number, theme: Theme): Unplaced<Strike> {
  const { below, pick } = dice;
  const daemon = below(daemons);
  if (NOBODY_DIES.has(theme)) return failure(dice, theme);
  if (theme === 'beginnings' && below(2) === 0) return beginning(dice, daemon);
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
  if (chance === 40) return { kind: 'poison', n: below(LABELS), ms: 2_000 + below(20_000) };
  if (chance === 41) return { kind: 'full zone', n: below(LABELS), ms: 2_000 + below(20_000) };
  if (chance < 72) {
    const point = pick(['batch', 'batch', ...API_POINTS] as const);
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

/** Nobody dies, nothing hangs. */
function failure({ below, pick }: Dice, theme: Theme): Unplaced<Strike> {
  if (theme === 'memory' && below(6) === 0) return { kind: 'database crash' };
  if (below(24) === 0) return { kind: pick(['poison', 'full zone']), n: below(LABELS), ms: 2_000 + below(20_000) };
  if (below(3) > 0) {
    const point = below(4) === 0 ? null : pick(DATABASE_POINTS);
    return { kind: 'database call', point, effect: pick(['fail before', 'fail after', 'slow after']) };
  }
  const effect = pick([
    'reset before',
    'lost after',
    'html',
    'status 500',
    'truncated',
    'empty',
    'stale',
    'refused',
  ] as const);
  return { kind: 'api call', point: pick(['batch', ...API_POINTS] as const), effect };
}

/** What strikes a leader that has only just begun. */
function beginning({ below, pick }: Dice, daemon: number): Unplaced<Strike> {
  const chance = below(4);
  if (chance === 0) return { kind: 'crash', daemon, ms: 0 };
  if (chance === 1) {
    const point = pick(['ledger.setStates', 'ledger.survey', 'source.write', 'ledger.facts'] as const);
    return { kind: 'database call', point, effect: pick(['slow before', 'slow after']) };
  }
  const effect = pick(['limited', 'html', 'reset before', 'status 500'] as const);
  return { kind: 'api call', point: pick(['list_records', 'list_records', 'list_zones'] as const), effect };
}

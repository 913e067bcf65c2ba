import type { Dice, Theme } from './draw.ts';
import { LABELS, type Strike } from './plan.ts';

/**
 * Strikes that are dangerous only together: what a mistake in one line needs to show. Each is a situation, not a script: the
 * moments are drawn, and everything else goes on meanwhile.
 */
export function coincidence(theme: Theme, at: number, daemons: number, dice: Dice): Strike[] {
  const { below, pick } = dice;
  const n = below(LABELS);
  const m = below(200);
  const between = (fromMs: number, toMs: number) => fromMs + dice.random() * (toMs - fromMs);
  const fail = pick(['fail before', 'fail after'] as const);
  switch (theme) {
    case 'lease':
      return below(2) === 0 ? renewedLate(at, n, m, between) : acquiredLate(at, below(daemons), n, m, between);
    case 'anything':
      // Whoever dies takes with it what else would have happened: one in a schedule is enough.
      return below(6) === 0 ? inherited(at, daemons, n, m, between) : [];
    case 'deletions':
      return deletions(at, dice);
    case 'beginnings':
      // Zones that are seen late, while names of theirs wait for an order, or for their state to be stored.
      return [
        ...[0, 1, 2].map((): Strike => ({ at, kind: 'api call', point: 'list_records', effect: 'limited' })),
        { at, kind: pick(['crash', 'crash', 'terminate']), daemon: below(daemons), ms: 0 },
        { at: at + 1, kind: 'adopt order', n, force: true },
        { at: at + between(200, 2_000), kind: 'database call', point: 'ledger.setStates', effect: 'slow before' },
        { at: at + between(300, pick([9_000, 16_000])), kind: pick(['unwant', 'retarget']), n, m },
      ];
    case 'memory':
      // The database forgets what it was told last: also of names that no look at a zone would remind of.
      return [
        { at, kind: pick(['broken target', 'want', 'unwant']), n: pick([9, n]), m },
        { at: at + between(40, 900), kind: 'database crash' },
      ];
    case 'failures':
      if (below(3) > 0) return revoked(at, n, m, between, dice);
      return [
        {
          at,
          kind: 'database call',
          point: pick(['source.write', 'ledger.settle', 'operations.finish']),
          effect: fail,
        },
        { at: at + 1, kind: pick(['broken target', 'retarget', 'want', 'unwant']), n: pick([9, n]), m },
        { at: at + 2, kind: 'sync' },
      ];
    case 'guard': {
      const kind = below(3);
      return kind === 0 ? vanishing(dice) : kind === 1 ? unanswered(at, n, between, dice) : [];
    }
    case 'wall clock':
      return [
        { at, kind: 'clock jumps', daemon: 0, ms: pick([-3_600_000, -86_400_000]) },
        { at: at + between(0, 1_000), kind: 'retarget', n, m },
      ];
    default:
      return [];
  }
}

/** Names of the first zone. */
const ONE_ZONE = 5;

type Between = (fromMs: number, toMs: number) => number;

/** A renewal is answered late, the next ones fail, and a write is on its way when the time is over. */
function renewedLate(at: number, n: number, m: number, between: Between): Strike[] {
  const write = at + between(6_000, 13_000);
  return [
    slow(at, 'leader.renew', between(3_000, 5_000)),
    ...renewalsFail(at + 3_000),
    slow(write, 'ledger.begin', between(1_000, 6_000)),
    { at: write + 1, kind: 'retarget', n, m },
  ];
}

/** The same for the answer that makes a leader: the one before gives way, and another one begins at once. */
function acquiredLate(at: number, daemon: number, n: number, m: number, between: Between): Strike[] {
  const answer = between(6_000, 9_900);
  const write = at + answer + between(300, 1_500);
  return [
    slow(at, 'leader.acquire', answer),
    { at: at + 1, kind: 'terminate', daemon, ms: 0 },
    ...renewalsFail(at + 1_000),
    slow(write, 'ledger.begin', between(1_000, 6_000)),
    { at: write + 1, kind: 'retarget', n, m },
  ];
}

/** Everybody dies, and a call of the leader's is still on its way when its successor begins. */
function inherited(at: number, daemons: number, n: number, m: number, between: Between): Strike[] {
  const dies = at + between(100, 1_500);
  return [
    { at, kind: 'api call', point: 'batch', effect: 'late' },
    { at: at + 1, kind: 'retarget', n, m },
    ...Array.from({ length: daemons }, (_, daemon): Strike => ({ at: dies, kind: 'crash', daemon, ms: 0 })),
  ];
}

/** A change is taken back while a slow run works on it; that was read, but the reader was not told. */
function revoked(at: number, n: number, m: number, between: Between, { pick, below }: Dice): Strike[] {
  const back = at + between(250, 900);
  const [first, second] = pick([['want', 'unwant'] as const, ['unwant', 'want'] as const]);
  return [
    // All names are compared then; the run may end before the comparison is answered.
    ...(below(4) > 0 ? [slow(at, 'ledger.survey', between(2_000, 9_000))] : []),
    slow(at, 'ledger.begin', between(1_000, 4_000)),
    { at: at + 1, kind: first, n, m },
    { at: back, kind: 'database call', point: 'source.write', effect: 'fail after' },
    { at: back + 1, kind: second, n, m },
  ];
}

/** Names vanish before they have a record, and before their zone is seen for the first time. */
function vanishing({ below, random }: Dice): Strike[] {
  return [
    ...[0, 1, 2].map((at): Strike => ({ at, kind: 'api call', point: 'list_records', effect: 'late' })),
    ...[0, 1].map((): Strike => ({ at: 3_500 + random() * 10_000, kind: 'unwant', n: below(ONE_ZONE), m: 0 })),
  ];
}

/** An update is made and not answered; then its name is to have another record beside that one. */
function unanswered(at: number, n: number, between: Between, { pick }: Dice): Strike[] {
  return [
    { at, kind: 'api call', point: 'batch', effect: pick(['truncated', 'lost after']) },
    { at: at + 1, kind: 'retarget', n, m: 90 },
    { at: at + between(300, 1_200), kind: 'retarget', n, m: 190 },
  ];
}

function slow(at: number, point: string, ms: number): Strike {
  return { at, kind: 'database call', point, effect: 'slow after', ms };
}

/** Two deletions of one zone, of which only one may be made. */
function deletions(at: number, { below, pick, random }: Dice): Strike[] {
  const n = below(ONE_ZONE);
  const other = (n + 1 + below(ONE_ZONE - 1)) % ONE_ZONE;
  const kind = below(6);
  if (kind > 2) {
    // The one of this hour is made; then a name is to keep its record, though much speaks against it.
    const then = at + 3_000;
    return [
      { at, kind: 'unwant', n: other, m: 0 },
      ...(kind < 5 ? judged(then, n, random) : outdated(then, n, random)),
    ];
  }
  if (kind === 2) {
    // One is on its way when a sync finds that its name is wanted again.
    const sync = at + 300 + random() * 700;
    const back = sync + random() * 250;
    return [
      slow(at, 'ledger.begin', 2_000 + random() * 3_000),
      { at: at + 1, kind: 'unwant', n, m: 0 },
      { at: sync, kind: 'sync' },
      { at: back, kind: 'want', n, m: 0 },
      { at: back + 300 + random() * 500, kind: 'unwant', n: other, m: 0 },
    ];
  }
  if (kind === 0) {
    // One is made while the guard counts for the other.
    const second = at + 40 + random() * 260;
    return [
      { at, kind: 'unwant', n, m: 0 },
      { at: second, kind: 'database call', point: 'ledger.deletions', effect: pick(['slow after', 'slow before']) },
      { at: second + 1, kind: 'unwant', n: other, m: 0 },
    ];
  }
  // One takes effect long after nobody waits for it any more, and its name is wanted again.
  const again = at + 500 + random() * 30_000;
  return [
    { at, kind: 'api call', point: 'batch', effect: 'late' },
    { at: at + 1, kind: 'unwant', n, m: 0 },
    { at: again, kind: 'want', n, m: 0 },
    { at: again + 200 + random() * 30_000, kind: 'unwant', n: other, m: 0 },
  ];
}

/** A sync finds that a name is wanted again whose deletion is being judged. */
function judged(at: number, n: number, random: () => number): Strike[] {
  const sync = at + 200 + random() * 400;
  return [
    { at, kind: 'database call', point: 'source.consumers', effect: 'slow after', ms: 2_000 + random() * 2_000 },
    { at: at + 1, kind: 'unwant', n, m: 0 },
    { at: sync, kind: 'sync' },
    { at: sync + random() * 150, kind: 'want', n, m: 0 },
  ];
}

/** A record takes the place of one that an outdated list still shows. */
function outdated(at: number, n: number, random: () => number): Strike[] {
  const list = at + 300 + random() * 1_200;
  return [
    { at, kind: 'delete', n },
    slow(at + 1, 'ledger.begin', 1_500 + random() * 1_500),
    { at: at + 2, kind: 'sync' },
    ...[0, 1, 2].map((): Strike => ({ at: list, kind: 'api call', point: 'list_records', effect: 'stale' })),
    { at: list + 1, kind: 'sync' },
  ];
}

function renewalsFail(at: number): Strike[] {
  return [0, 1, 2, 3].map((i) => ({ at: at + i, kind: 'database call', point: 'leader.renew', effect: 'fail before' }));
}

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
  const later = (fromMs: number, toMs: number) => at + fromMs + dice.random() * (toMs - fromMs);
  const fail = pick(['fail before', 'fail after'] as const);
  switch (theme) {
    case 'lease':
      return below(2) === 0 ? renewedLate(at, n, m, later) : acquiredLate(at, below(daemons), n, m, later);
    case 'deletions':
      return deletions(at, dice);
    case 'beginnings':
      // Zones that are seen late, while names of theirs wait for an order, or for their state to be stored.
      return [
        ...[0, 1, 2].map((): Strike => ({ at, kind: 'api call', point: 'list_records', effect: 'limited' })),
        { at, kind: pick(['crash', 'crash', 'terminate']), daemon: below(daemons), ms: 0 },
        { at: at + 1, kind: 'adopt order', n, force: true },
        { at: later(200, 2_000), kind: 'database call', point: 'ledger.setStates', effect: 'slow before' },
        { at: later(300, pick([9_000, 16_000])), kind: pick(['unwant', 'retarget']), n, m },
      ];
    case 'memory':
      // The database forgets what it was told last: also of names that no look at a zone would remind of.
      return [
        { at, kind: pick(['broken target', 'want', 'unwant']), n: pick([9, n]), m },
        { at: later(40, 900), kind: 'database crash' },
      ];
    case 'failures':
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
    default:
      return [];
  }
}

/** Names of the first zone. */
const ONE_ZONE = 5;

type Later = (fromMs: number, toMs: number) => number;

/** A renewal is answered late, the next ones fail, and a write is on its way when the time is over. */
function renewedLate(at: number, n: number, m: number, later: Later): Strike[] {
  const write = later(6_000, 13_000);
  return [
    { at, kind: 'database call', point: 'leader.renew', effect: 'slow after' },
    ...renewalsFail(at + 3_000),
    { at: write, kind: 'database call', point: 'ledger.begin', effect: 'slow after' },
    { at: write + 1, kind: 'retarget', n, m },
  ];
}

/** The same for the answer that makes a leader: the one before gives way, and another one begins at once. */
function acquiredLate(at: number, daemon: number, n: number, m: number, later: Later): Strike[] {
  const write = later(8_000, 13_500);
  return [
    { at, kind: 'database call', point: 'leader.acquire', effect: 'slow after' },
    { at: at + 1, kind: 'terminate', daemon, ms: 0 },
    ...renewalsFail(at + 1_000),
    { at: write, kind: 'database call', point: 'ledger.begin', effect: 'slow after' },
    { at: write + 1, kind: 'retarget', n, m },
  ];
}

/** Two deletions of one zone, of which only one may be made. */
function deletions(at: number, { below, pick, random }: Dice): Strike[] {
  const n = below(ONE_ZONE);
  const other = (n + 1 + below(ONE_ZONE - 1)) % ONE_ZONE;
  if (below(2) === 0) {
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

function renewalsFail(at: number): Strike[] {
  return [0, 1, 2, 3].map((i) => ({ at: at + i, kind: 'database call', point: 'leader.renew', effect: 'fail before' }));
}

import type { Dice } from './draw.ts';
import { LABELS, type Strike } from './plan.ts';

/** Names of the first zone: of those, the strict guard lets one go in an hour. */
const ONE_ZONE = 5;

/** Names that lose their consumers while somebody plans and confirms, or changes their mind. Needs some 30 s. */
export function consent(at: number, daemons: number, dice: Dice): Strike[] {
  const { below, pick } = dice;
  const first = below(ONE_ZONE);
  const [b = 0, c = 0] = [1, 2].map((step) => (first + step) % ONE_ZONE);
  // The one of this hour is made. The next one is held.
  const held = at + 1_000 + dice.random() * 1_000;
  const before: Strike[] = [unwant(at, first), unwant(held, b)];
  const plan = held + 1_000 + dice.random() * 1_000;
  const confirm: Strike = { at: plan, kind: 'plan and confirm' };
  switch (pick(['leave', 'change', 'other', 'again', 'back', 'meanwhile'] as const)) {
    case 'leave':
      return everybodyLeaves(at, dice);
    case 'change':
      // It is another plan when it is confirmed.
      return [...before, confirm, unwant(plan + 300 + dice.random() * 1_500, c)];
    case 'other':
      // What was confirmed goes; what comes after it was not meant.
      return [...before, confirm, unwant(plan + 3_000 + dice.random() * 6_000, c)];
    case 'again':
      return [...before, confirm, ...confirmedAgain(plan, daemons, dice)];
    case 'back':
      return comesBack(at, first, dice);
    case 'meanwhile':
      return [unwant(at, first), unwant(at, b), ...meanwhile(at + 1_500, c, (first + 3) % ONE_ZONE, dice)];
  }
}

/** No consumer is left. */
function everybodyLeaves(at: number, { random, pick }: Dice): Strike[] {
  const within = pick([1, 50, 2_000]);
  return Array.from({ length: LABELS }, (_, n) => unwant(at + random() * within, n));
}

/** The deletion that was confirmed is refused, its process dies, and somebody thinks that the confirmation still holds. */
function confirmedAgain(plan: number, daemons: number, { random }: Dice): Strike[] {
  const batch = plan + 300 + random() * 1_000;
  const dies = plan + 1_500 + random() * 2_500;
  return [
    ...[0, 1, 2].map((i): Strike => ({ at: batch + i, kind: 'api call', point: 'batch', effect: 'refused' })),
    ...Array.from({ length: daemons }, (_, daemon): Strike => ({ at: dies, kind: 'crash', daemon, ms: 0 })),
    { at: dies + 18_000 + random() * 8_000, kind: 'confirm again' },
  ];
}

/** A name is wanted no more while a confirmed sync updates it; and then another. Neither was confirmed. */
function meanwhile(plan: number, n: number, other: number, { random }: Dice): Strike[] {
  const update = plan + 700 + random() * 500;
  return [
    { at: plan, kind: 'plan and confirm' },
    { at: update, kind: 'database call', point: 'ledger.facts', effect: 'slow after', ms: 1_500 + random() * 2_500 },
    { at: update + 1, kind: 'retarget', n, m: 150 },
    unwant(plan + 1_800 + random() * 1_500, n),
    unwant(plan + 7_000 + random() * 5_000, other),
  ];
}

/** A deletion is tried again when its name is wanted again, and nobody was told of that. */
function comesBack(at: number, n: number, { random }: Dice): Strike[] {
  const back = at + 300 + random() * 600;
  return [
    ...[0, 1].map((i): Strike => ({ at: at + i, kind: 'api call', point: 'batch', effect: 'status 500' })),
    unwant(at + 2, n),
    { at: back, kind: 'notifications', how: 'lost', ms: 10_000 },
    { at: back + 1, kind: 'want', n, m: 0 },
  ];
}

function unwant(at: number, n: number): Strike {
  return { at, kind: 'unwant', n, m: 0 };
}

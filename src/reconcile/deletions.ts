import { Batcher } from '../controller/batcher.ts';
import type { Gather } from '../controller/gather.ts';
import type { Deletion, Guard, Judgement } from './guard.ts';
import type { ManagedZone } from './zone.ts';

/** More than can be in flight. */
const BACKLOG = 200_000;

/** Brings the deletions of one zone that come together before the guard together: one question to the database for all. */
export class DeletionJudge {
  readonly #guard: Guard;
  readonly #gather: Gather;
  readonly #byZone = new WeakMap<ManagedZone, Batcher<Deletion, Judgement>>();

  constructor(options: { readonly guard: Guard; readonly gather: Gather }) {
    this.#guard = options.guard;
    this.#gather = options.gather;
  }

  judge(zone: ManagedZone, deletion: Deletion): Promise<Judgement> {
    let batcher = this.#byZone.get(zone);
    if (batcher === undefined) {
      batcher = new Batcher({
        run: (deletions) => this.#guard.admit({ id: zone.zone.id, name: zone.name }, deletions),
        maxBatch: BACKLOG,
        concurrency: 1,
        maxBacklog: BACKLOG,
        defer: (run) => this.#gather.settled(run),
      });
      this.#byZone.set(zone, batcher);
    }
    return batcher.load(deletion);
  }
}

import type { Delayed } from './delayed.ts';
import type { LaneItem } from './lane.ts';
import type { Priority } from './priority.ts';

/** The coming run of a key. There is one at most. */
export interface Pending<C> {
  priority: Priority;
  context: C;
  /** When it may run or, once `ready`, since when it could have; by `clock.now()`. */
  due: number;
  ready: boolean;
}

/** What a queue keeps of a key that is not idle. */
export interface Entry<K, C> extends Delayed, LaneItem<Entry<K, C>> {
  readonly key: K;
  pending: Pending<C> | undefined;
  /** Set while a worker has the key. */
  startedAt: number | undefined;
}

/** A key that nothing has been asked of yet. */
export function newEntry<K, C>(key: K): Entry<K, C> {
  return {
    key,
    pending: undefined,
    startedAt: undefined,
    heapIndex: -1,
    wakeAt: 0,
    sequence: 0,
    lane: undefined,
    ahead: undefined,
    behind: undefined,
  };
}

import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

/** The real one, for letting promises settle between two turns. */
export const realNextTick = process.nextTick;

/** What stands behind the global functions of time and chance while a schedule runs. */
export interface Behind {
  /** Plans `run` for the process whose turn it is. Returns how to cancel it. */
  after(ms: number, run: () => void): () => void;
  /** Wall-clock milliseconds of the process whose turn it is. */
  wall(): number;
  random(): number;
}

/** Who makes ids. Put in place once, for telling all modules of it takes as long as a good part of a schedule. */
const ids = { behind: null as Behind | null };
const realRandomUUID = crypto.randomUUID;
Object.assign(crypto, {
  randomUUID: () => {
    const { behind } = ids;
    if (behind === null) return realRandomUUID();
    const hex = () =>
      Math.floor(behind.random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0');
    return `${hex()}-0000-4000-8000-0000${hex()}`;
  },
});
syncBuiltinESMExports();

/**
 * Libraries take time and chance from globals (Bottleneck its turns, the SDK its time-out, the simulator its ids). Here these
 * lead to the schedule, so that nothing happens but by the seed. Returns how to undo it.
 */
export function takeOver(behind: Behind): () => void {
  const kept = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setImmediate: globalThis.setImmediate,
    now: Date.now,
    random: Math.random,
  };
  const plan = (ms: number, run: () => void) => {
    const cancel = behind.after(ms, run);
    const timer = { cancel, unref: () => timer, ref: () => timer, hasRef: () => true };
    return timer;
  };
  const assign = (values: object) => Object.assign(globalThis, values);
  assign({
    setTimeout: (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => plan(ms, () => run(...args)),
    clearTimeout: (timer: { cancel?: () => void } | undefined) => timer?.cancel?.(),
    setImmediate: (run: (...args: unknown[]) => void, ...args: unknown[]) => plan(0, () => run(...args)),
  });
  Date.now = () => behind.wall();
  Math.random = () => behind.random();
  ids.behind = behind;
  return () => {
    assign({ setTimeout: kept.setTimeout, clearTimeout: kept.clearTimeout, setImmediate: kept.setImmediate });
    Date.now = kept.now;
    Math.random = kept.random;
    ids.behind = null;
  };
}

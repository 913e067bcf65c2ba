/** What the next attempt of a change that is traced knows of those before. */
export interface Attempts {
  /** Trace context of the first one in their trace. */
  readonly first: string;
  readonly count: number;
  /** When the last one ended. Wall-clock milliseconds. */
  readonly endedAt: number;
}

/** What fails for weeks is no trace that anybody could read: after so many attempts, the next ones are another. */
const ATTEMPTS_IN_A_TRACE = 20;

/** What the coming attempt is below: the first one, or whatever asked for the change. Null: it begins a trace. */
export function parentOf(attempts: Attempts | null, asked: string | null): string | null {
  if (attempts === null) return asked;
  return isFull(attempts) ? null : attempts.first;
}

/** The attempts with one more, which has this trace context. */
export function withOneMore(attempts: Attempts | null, traced: string, endedAt: number): Attempts {
  if (attempts === null) return { first: traced, count: 1, endedAt };
  return { first: isFull(attempts) ? traced : attempts.first, count: attempts.count + 1, endedAt };
}

function isFull({ count }: Attempts): boolean {
  return count % ATTEMPTS_IN_A_TRACE === 0;
}

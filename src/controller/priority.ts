/** How urgent a key is. The higher number goes first, as in controller-runtime's priority queue. */
export type Priority = 0 | 1 | 2 | 3;

/** The priorities by their reason, lowest first. */
export const PRIORITY = {
  /** A periodic check found something. */
  check: 0,
  /** An attempt failed or asked to be run again. */
  retry: 1,
  /** Something has changed. */
  event: 2,
  /** A person asked and waits for the answer. */
  person: 3,
} as const satisfies Record<string, Priority>;

/** Most urgent first: the order in which the lanes are looked at. */
export const PRIORITIES: readonly Priority[] = [3, 2, 1, 0];

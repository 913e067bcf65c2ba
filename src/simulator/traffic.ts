import type { Clock } from '../controller/clock.ts';
import { Ring } from './ring.ts';

/** The calls of the API, by the names under which they are counted. */
export const OPERATIONS = [
  ...(['verify', 'list_zones', 'get_zone', 'list_records', 'get', 'create', 'update', 'overwrite'] as const),
  ...(['delete', 'batch', 'usage', 'unknown'] as const),
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** One request, as the request log has it. */
export interface RequestEntry {
  /** 1, 2, 3, … in the order of arrival. */
  readonly sequence: number;
  readonly operation: Operation;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Name of the zone; null where there is none. */
  readonly zone: string | null;
  /** Changes that it asks for: those of a batch, 1 for a single one, 0 for a read. */
  readonly operations: number;
  /** HTTP status of the answer; `none` when there was none, null while it is under way. */
  readonly status: number | 'none' | null;
  /** First error code of the answer. */
  readonly code: number | null;
  /** Id of the fault that struck it. */
  readonly fault: string | null;
  /** Wall-clock milliseconds. */
  readonly start: number;
  readonly end: number | null;
}

/** A request under way, to be filled in. */
export type OpenRequest = { -readonly [K in keyof RequestEntry]: RequestEntry[K] };

/** What was counted since the start or the last reset. */
export interface Counters {
  /** All requests to the API, those refused included; control and index are not counted. */
  readonly requests: number;
  readonly by_operation: Readonly<Record<Operation, number>>;
  /** By HTTP status, and `none`. */
  readonly by_status: Readonly<Record<string, number>>;
  /** Operations in batch calls. */
  readonly batch_operations: number;
  /** The most operations that one batch had. */
  readonly largest_batch: number;
  /** Answers with 429. */
  readonly limited: number;
  /** The most requests that came within any 300 s. */
  readonly max_in_300s: number;
  /** Requests that have not been answered. */
  readonly under_way: number;
}

const WINDOW_MS = 300_000;
/** Arrivals that are remembered for `max_in_300s`; beyond it the number shown is a lower bound. */
const MAX_ARRIVALS = 500_000;

/** Counts requests and keeps the last of them. */
export class Traffic {
  readonly #clock: Clock;
  readonly #log: Ring<RequestEntry>;
  #sequence = 0;
  #byOperation = emptyCounts();
  #byStatus = new Map<string, number>();
  #requests = 0;
  #answered = 0;
  #batchOperations = 0;
  #largestBatch = 0;
  /** Arrival times (monotonic) of the last 300 s, from `#first` on. */
  #arrivals: number[] = [];
  #first = 0;
  #maxInWindow = 0;

  constructor(clock: Clock, logLimit: number) {
    this.#clock = clock;
    this.#log = new Ring(logLimit);
  }

  begin(operation: Operation, method: string, path: string, zone: string | null): OpenRequest {
    this.#sequence += 1;
    this.#requests += 1;
    this.#byOperation[operation] += 1;
    this.#arrived(this.#clock.now());
    const entry: OpenRequest = {
      sequence: this.#sequence,
      operation,
      method,
      path,
      zone,
      operations: 0,
      status: null,
      code: null,
      fault: null,
      start: this.#clock.wall(),
      end: null,
    };
    this.#log.push(entry);
    return entry;
  }

  /** So many changes are asked for. */
  carries(entry: OpenRequest, operations: number): void {
    entry.operations = operations;
    if (entry.operation !== 'batch') return;
    this.#batchOperations += operations;
    this.#largestBatch = Math.max(this.#largestBatch, operations);
  }

  end(entry: OpenRequest, status: number | 'none', code: number | null): void {
    if (entry.end !== null) return;
    entry.status = status;
    entry.code = code;
    entry.end = this.#clock.wall();
    this.#answered += 1;
    this.#byStatus.set(String(status), (this.#byStatus.get(String(status)) ?? 0) + 1);
  }

  counters(): Counters {
    return {
      requests: this.#requests,
      by_operation: { ...this.#byOperation },
      by_status: Object.fromEntries(this.#byStatus),
      batch_operations: this.#batchOperations,
      largest_batch: this.#largestBatch,
      limited: this.#byStatus.get('429') ?? 0,
      max_in_300s: this.#maxInWindow,
      under_way: this.#requests - this.#answered,
    };
  }

  /** Requests in the order of arrival, later ones than `since` only. */
  requests(since = 0): readonly RequestEntry[] {
    return this.#log.items().filter(({ sequence }) => sequence > since);
  }

  /** Requests that fell out of the log. */
  get dropped(): number {
    return this.#log.dropped;
  }

  reset(): void {
    // What is still under way will be counted as answered later, so it stays counted as begun.
    const underWay = this.#requests - this.#answered;
    this.#log.clear();
    this.#byOperation = emptyCounts();
    this.#byStatus = new Map();
    this.#requests = underWay;
    this.#answered = 0;
    this.#batchOperations = 0;
    this.#largestBatch = 0;
    this.#arrivals = [];
    this.#first = 0;
    this.#maxInWindow = 0;
  }

  #arrived(now: number): void {
    this.#arrivals.push(now);
    while (now - (this.#arrivals[this.#first] ?? now) >= WINDOW_MS) this.#first += 1;
    if (this.#arrivals.length - this.#first > MAX_ARRIVALS) this.#first += 1;
    this.#maxInWindow = Math.max(this.#maxInWindow, this.#arrivals.length - this.#first);
    if (this.#first > 10_000 && this.#first > this.#arrivals.length / 2) {
      this.#arrivals = this.#arrivals.slice(this.#first);
      this.#first = 0;
    }
  }
}

function emptyCounts(): Record<Operation, number> {
  return Object.fromEntries(OPERATIONS.map((operation) => [operation, 0])) as Record<Operation, number>;
}

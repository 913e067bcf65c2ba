/** An answer that is no success, or none at all: what it means and what to do, as the daemon says it. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly todo: string | null;
  /** What else the problem says, e.g. the `hash` of a plan that changed. */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(options: {
    status: number;
    code: string;
    title: string;
    detail: string;
    todo: string | null;
    facts?: Readonly<Record<string, unknown>>;
  }) {
    super(options.detail);
    this.status = options.status;
    this.code = options.code;
    this.title = options.title;
    this.todo = options.todo;
    this.facts = options.facts ?? {};
  }
}

/** Reads a problem document (RFC 9457); whatever else came is told as such. */
export function problemOf(status: number, body: unknown): Problem {
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const text = (key: string): string | null => (typeof fields[key] === 'string' ? fields[key] : null);
  return new Problem({
    status,
    code: text('code') ?? 'unknown',
    title: text('title') ?? `The answer had the status ${status}`,
    detail: text('detail') ?? '',
    todo: text('todo'),
    facts: fields,
  });
}

/** Nobody answered. */
export function unreachable(): Problem {
  return new Problem({
    status: 0,
    code: 'unreachable',
    title: 'Zonekeeper does not answer',
    detail: 'The request did not reach it, or its answer did not reach this page.',
    todo: 'Check that the daemon runs and that this page can reach it; then try again.',
  });
}

/** Anything thrown, as a problem. */
export function toProblem(thrown: unknown): Problem {
  return thrown instanceof Problem ? thrown : unreachable();
}

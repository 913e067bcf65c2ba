/** Turns items into one array per column, as `unnest($1, $2, …)` takes them: one statement, whatever their number. */
export function columns<T>(items: readonly T[], row: (item: T) => readonly unknown[], width: number): unknown[][] {
  const result: unknown[][] = Array.from({ length: width }, () => []);
  for (const item of items) {
    const values = row(item);
    for (let i = 0; i < width; i++) result[i]?.push(values[i]);
  }
  return result;
}

/** A value for a jsonb column. */
export function json(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

/** Turns items into one array per column, as `unnest($1, $2, …)` takes them: one statement, whatever their number. */
export function columns<T>(items: readonly T[], row: (item: T) => readonly unknown[], width: number): unknown[][] {
  const result: unknown[][] = Array.from({ length: width }, () => []);
  for (const item of items) {
    const values = row(item);
    for (let i = 0; i < width; i++) result[i]?.push(values[i]);
  }
  return result;
}

/** A value for a jsonb column. Texts in it are made {@link storable}. */
export function json(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return JSON.stringify(value, (_, inner) => (typeof inner === 'string' ? storable(inner) : inner));
}

/**
 * A text as PostgreSQL takes it: it knows neither U+0000 nor half a surrogate pair, and would refuse a statement for thousands of
 * names because of one text from outside.
 */
export function storable(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.includes('\0') ? whole.replaceAll('\0', '\ufffd') : whole;
}

/** The same for what a statement is given: texts, and arrays of them. */
export function storables(values: readonly unknown[]): unknown[] {
  return values.map((value) => {
    if (typeof value === 'string') return storable(value);
    return Array.isArray(value) ? storables(value) : value;
  });
}

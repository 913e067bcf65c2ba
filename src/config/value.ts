/** A value of type T, or why the text is none: the end of the sentence "NAME ...", without the value itself. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** How the text of one kind of setting is read. */
export interface ValueType<T> {
  /** What help texts and docs call it: `duration`, `boolean`, `sync|upsert-only`. */
  readonly kind: string;
  /** A flag of this type may stand without a value, and then says this. */
  readonly bare?: string;
  /** Several values: a YAML list is welcome, and is joined by commas. */
  readonly many?: boolean;
  readonly parse: (text: string) => Parsed<T>;
}

/** A parsed value. */
export function good<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** What the text is not: the rest of a sentence that begins with the setting's name. */
export function bad(problem: string): Parsed<never> {
  return { ok: false, problem };
}

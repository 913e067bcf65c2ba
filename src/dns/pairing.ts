import { type ActualRecord, type RecordSpec, sameSpec } from './record.ts';

/** What becomes of each of our records and each desired one. */
export interface Pairing {
  readonly updates: readonly { readonly record: ActualRecord; readonly spec: RecordSpec }[];
  /** Our records that no desired one is left for. */
  readonly extra: readonly ActualRecord[];
  /** Desired records that none of ours is left for. */
  readonly missing: readonly RecordSpec[];
}

/**
 * Pairs our records with the desired ones so that as little as possible changes: equal ones stay; what a foreign record
 * already says needs none of ours; then the same content (only TTL or proxied differ), then the same type become updates.
 *
 * That the same content goes before the same type also keeps a batch valid halfway: an update never makes a record equal
 * to another one that still stands, which Cloudflare refuses.
 */
export function pairRecords(
  desired: readonly RecordSpec[],
  ours: readonly ActualRecord[],
  foreign: readonly ActualRecord[],
): Pairing {
  const extra = [...ours];
  const updates: { record: ActualRecord; spec: RecordSpec }[] = [];
  const take = (fits: (record: ActualRecord) => boolean): ActualRecord | undefined => {
    const at = extra.findIndex(fits);
    return at < 0 ? undefined : extra.splice(at, 1)[0];
  };
  let missing = desired.filter((spec) => take((record) => sameSpec(record, spec)) === undefined);
  missing = missing.filter((spec) => !foreign.some((record) => sameSpec(record, spec)));
  for (const sameContent of [true, false]) {
    missing = missing.filter((spec) => {
      const record = take(({ type, content }) => type === spec.type && (!sameContent || content === spec.content));
      if (record !== undefined) updates.push({ record, spec });
      return record === undefined;
    });
  }
  return { updates, extra, missing };
}

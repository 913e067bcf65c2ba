/**
 * What a name is, what it should be, and what is to be done about it. Pure: no I/O, no clock, no state between two calls, so
 * that every decision can be replayed from the facts that led to it.
 *
 *     row ─▶ rowKey (name.ts) ─▶ resolveDesired (resolve.ts) ─┐
 *                                name, pattern, target        ├─▶ decide (verdict.ts) ─▶ changes ─▶ planHash (plan.ts)
 *                                  tracked, actual (record.ts)┘     pairing, reasons
 *
 * Everything here compares normal forms: names as lower-case A-labels without trailing dot, IPv6 as in RFC 5952, a proxied
 * record with TTL 1. What comes from outside is brought into it once, by `normalizeName` and `parseTarget`; otherwise
 * Cloudflare's own spelling of a record would look like a difference, and be "repaired" for ever.
 *
 * ## The states that a verdict gives
 *
 * | desired               | ours, beside what Cloudflare holds                  | state                              | changes  |
 * |-----------------------|-----------------------------------------------------|------------------------------------|----------|
 * | nobody wants it       | none                                                | gone                               | none     |
 * | nobody wants it       | some                                                | orphaned, blocked¹                 | deletes  |
 * | cannot be said²       | any                                                 | failed                             | none     |
 * | a record set          | equal, or a foreign record says the same            | in_sync, conflict³                 | none     |
 * | a record set          | none                                                | missing                            | creates  |
 * | a record set          | others                                              | modified, blocked¹                 | any      |
 * | a record set          | another foreign record is on the name               | conflict                           | repairs⁴ |
 *
 * 1. Where the policy or the configuration holds a change. 2. Its rows are not usable, or the name is not opted in.
 * 3. Where another consumer wants something else: the older one is served. 4. What does not run into the foreign record.
 *
 * The promises of `decide` (see there) are tested against a model zone that refuses what Cloudflare refuses.
 */
export type { DesiredName, DesiredRow, Problem } from './desired.ts';
export { formatMark, type Mark, ownerIdProblem, parseMark } from './mark.ts';
export { displayName, mixedScript, type NameResult, nameKey, normalizeName, rowKey } from './name.ts';
export { type NamePattern, PatternList, parsePattern } from './pattern.ts';
export { planHash } from './plan.ts';
export * from './record.ts';
export { type DesiredRules, outsideProblem, resolveAll, resolveDesired } from './resolve.ts';
export { parseTarget, type Target, TargetAllowList, type TargetResult } from './target.ts';
export { decide, type Policy, type Verdict, type VerdictInput } from './verdict.ts';
export { ZoneIndex } from './zone.ts';

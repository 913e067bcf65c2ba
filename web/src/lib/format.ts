import type { NameState, RecordSpec, Report } from './types.ts';

/** A state as people say it, with a sign that does not rely on colour, and a sentence that explains it. */
export const STATE_WORDS: Readonly<Record<NameState, { label: string; sign: string; means: string }>> = {
  in_sync: { label: 'In sync', sign: '✓', means: 'Cloudflare holds exactly what is wanted.' },
  missing: { label: 'Missing', sign: '+', means: 'It is wanted, and Cloudflare does not hold it yet.' },
  modified: { label: 'Modified', sign: '≠', means: 'Cloudflare holds something else than what is wanted.' },
  orphaned: { label: 'Orphaned', sign: '−', means: 'No consumer wants it any more.' },
  conflict: { label: 'Conflict', sign: '!', means: 'A record that is not ours holds the name.' },
  blocked: { label: 'Blocked', sign: '‖', means: 'A guard holds the change until a person confirms it.' },
  failed: { label: 'Failed', sign: '✕', means: 'The last attempt was refused.' },
};

const STEPS = [
  [60, 'second', 1],
  [3_600, 'minute', 60],
  [86_400, 'hour', 3_600],
  [Number.POSITIVE_INFINITY, 'day', 86_400],
] as const;

/** "3 minutes ago", "in 20 seconds". Times are ISO 8601; `now` is in milliseconds. */
export function relative(iso: string, now: number): string {
  const seconds = (Date.parse(iso) - now) / 1000;
  const [, unit, size] = STEPS.find(([limit]) => Math.abs(seconds) < limit) ?? STEPS[3];
  return new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(Math.round(seconds / size), unit);
}

/** How long that is: "340 ms", "12 s", "3 min". */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

export const count = (value: number): string => value.toLocaleString('en');

/** "1 name", "3 names". */
export const plural = (value: number, word: string): string => `${count(value)} ${word}${value === 1 ? '' : 's'}`;

/** Seconds as Cloudflare shows them. */
export const ttl = (seconds: number): string => (seconds === 1 ? 'Auto' : `${count(seconds)} s`);

/** One record in a line. */
export const record = (spec: RecordSpec): string =>
  `${spec.type} ${spec.content} · TTL ${ttl(spec.ttl)} · ${spec.proxied ? 'proxied' : 'DNS only'}`;

/** What a sync came to, in words; only what happened. */
export function outcome(
  report: Pick<Report, 'created' | 'updated' | 'deleted' | 'already_synced' | 'conflicts' | 'blocked' | 'failed'>,
): string {
  const parts = [
    [report.created, 'created'],
    [report.updated, 'updated'],
    [report.deleted, 'deleted'],
    [report.already_synced, 'already in sync'],
    [report.conflicts, report.conflicts === 1 ? 'conflict' : 'conflicts'],
    [report.blocked, 'blocked'],
    [report.failed, 'failed'],
  ] as const;
  const said = parts.filter(([value]) => value > 0).map(([value, word]) => `${count(value)} ${word}`);
  return said.length === 0 ? 'nothing to do' : said.join(' · ');
}

const FIELDS = ['type', 'content', 'ttl', 'proxied'] as const;

/** A desired and an actual record side by side, field by field. */
export interface Difference {
  readonly field: string;
  readonly desired: string;
  readonly actual: string;
  readonly differs: boolean;
}

/** Compares two records; one of them may be absent. */
export function differences(desired: RecordSpec | undefined, actual: RecordSpec | undefined): Difference[] {
  const show = (spec: RecordSpec | undefined, field: (typeof FIELDS)[number]): string => {
    if (spec === undefined) return '—';
    if (field === 'ttl') return ttl(spec.ttl);
    return field === 'proxied' ? (spec.proxied ? 'yes' : 'no') : spec[field];
  };
  return FIELDS.map((field) => {
    const [wanted, is] = [show(desired, field), show(actual, field)];
    return { field, desired: wanted, actual: is, differs: wanted !== is };
  });
}

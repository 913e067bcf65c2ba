import type { DesiredRow } from '../../src/dns/desired.ts';
import { rowKey } from '../../src/dns/name.ts';
import { ZonekeeperError } from '../../src/errors.ts';
import type { Refreshed, RefreshScope, Source } from '../../src/sources/port.ts';
import { contentsOf } from './application.ts';
import type { Reach } from './memory-ledger.ts';
import { consumerKey, put, type Tables } from './tables.ts';

/** Consumers by their key: all, or those that were noted. */
type Scope = 'everything' | ReadonlySet<string>;

/**
 * The source in memory: a refresh in the same three steps as the one in PostgreSQL, each a statement of its own, so that
 * everything can happen between them. It passes the same contract tests: test/integration/contracts/source.test.ts.
 */
export class MemorySource implements Source {
  readonly #tables: Tables;
  readonly #epoch: number;
  readonly #reach: Reach;
  #last: Promise<unknown> = Promise.resolve();

  constructor(tables: Tables, epoch: number, reach: Reach) {
    this.#tables = tables;
    this.#epoch = epoch;
    this.#reach = reach;
  }

  refresh(scope: RefreshScope): Promise<Refreshed> {
    const run = this.#last.then(() => this.#refresh(scope));
    this.#last = run.catch(() => undefined);
    return run;
  }

  async stillWanted(fqdns: readonly string[]): Promise<ReadonlySet<string>> {
    const asked = new Set(fqdns);
    // Three statements that all see the moment of the first one.
    const rows = await this.#reach('source.noted', () => {
      const keys = new Set([...this.#tables.changes.values()].map(consumerKey));
      for (const { fqdn, consumer } of this.#tables.records.values()) {
        if (asked.has(fqdn) && consumer !== null) keys.add(consumerKey(consumer));
      }
      for (const [key, rows] of this.#tables.wanted) if (rows.some((row) => asked.has(row.key))) keys.add(key);
      return [...this.#view(keys).values()].flat();
    });
    await this.#reach('source.known', () => undefined);
    await this.#reach('source.consumers', () => undefined);
    return new Set(rows.map(rowKey).filter((key) => asked.has(key)));
  }

  async #refresh(asked: RefreshScope): Promise<Refreshed> {
    const noted = await this.#noted();
    if (asked === 'changes' && noted.ids.length === 0) return { names: [], vanished: [], since: null };
    const scope: Scope = asked === 'everything' ? 'everything' : noted.keys;
    const changed = await this.#reach('source.differences', () => this.#differences(scope));
    const touched = await this.#write(changed, noted.ids);
    const vanished = [...touched].filter(([, wanted]) => !wanted).map(([name]) => name);
    return { names: [...touched.keys()], vanished, since: noted.since };
  }

  #noted(): Promise<{ ids: readonly number[]; keys: ReadonlySet<string>; since: number | null }> {
    return this.#reach('source.noted', () => {
      const rows = [...this.#tables.changes];
      return {
        ids: rows.map(([id]) => id),
        keys: new Set(rows.map(([, note]) => consumerKey(note))),
        since: rows[0]?.[1].at ?? null,
      };
    });
  }

  /** The present rows of the view, by consumer. */
  #view(scope: Scope): Map<string, DesiredRow[]> {
    const { consumers, settings } = this.#tables;
    const view = new Map<string, DesiredRow[]>();
    const [ttl, proxied] = [String(settings.ttl), String(settings.proxied)];
    for (const [key, consumer] of consumers) {
      const { kind, id, fqdn, since, active } = consumer;
      if (!active || (scope !== 'everything' && !scope.has(key))) continue;
      const rows = contentsOf(consumer, settings).map(
        (content): DesiredRow => ({ fqdn, type: null, content, ttl, proxied, consumer: { kind, id }, since }),
      );
      view.set(key, rows);
    }
    return view;
  }

  #differences(scope: Scope): Map<string, readonly DesiredRow[]> {
    const { wanted } = this.#tables;
    const present = this.#view(scope);
    const keys = scope === 'everything' ? new Set([...present.keys(), ...wanted.keys()]) : scope;
    const changed = new Map<string, readonly DesiredRow[]>();
    for (const key of keys) {
      const now = present.get(key) ?? [];
      const before = wanted.get(key) ?? [];
      if (now.length !== before.length || now.some((row, n) => !same(row, before[n]?.row))) changed.set(key, now);
    }
    return changed;
  }

  /** Returns the touched names: true when a consumer wants the name now. */
  #write(
    changed: ReadonlyMap<string, readonly DesiredRow[]>,
    noted: readonly number[],
  ): Promise<ReadonlyMap<string, boolean>> {
    if (changed.size === 0 && noted.length === 0) return Promise.resolve(new Map());
    return this.#reach('source.write', () => {
      const { leader, wanted, changes, records } = this.#tables;
      if (leader.epoch !== this.#epoch || leader.holder === null) {
        throw new ZonekeeperError('not_leader', `Epoch ${this.#epoch} is over.`);
      }
      const names = new Set<string>();
      const rows = new Map<string, { key: string; row: DesiredRow }[] | undefined>();
      for (const [key, now] of changed) {
        for (const row of wanted.get(key) ?? []) names.add(row.key);
        for (const row of now) names.add(rowKey(row));
        rows.set(key, now.length === 0 ? undefined : now.map((row) => ({ key: rowKey(row), row })));
      }
      const undo = [put(wanted, rows), put(changes, new Map(noted.map((id) => [id, undefined])))];
      const all = new Set([...wanted.values()].flatMap((some) => some.map(({ key }) => key)));
      const touched = new Map([...names].map((name) => [name, all.has(name)]));
      const since = new Map<string, typeof records extends Map<string, infer V> ? V : never>();
      for (const [key, row] of records) {
        const is = touched.get(row.fqdn);
        if (is === undefined || (row.unwantedSince === null) === is) continue;
        since.set(key, { ...row, unwantedSince: is ? null : this.#tables.now() });
      }
      undo.push(put(records, since));
      this.#tables.losable(() => {
        for (const one of undo.reverse()) one();
      });
      return touched;
    });
  }
}

/** What the view says of a consumer is what it said before: of what a consumer can change here. */
function same(one: DesiredRow, other: DesiredRow | undefined): boolean {
  if (one.fqdn !== other?.fqdn || one.content !== other.content) return false;
  return one.since === other.since && one.ttl === other.ttl && one.proxied === other.proxied;
}

import type { DesiredRow } from '../../src/dns/desired.ts';
import type { TrackedRecord } from '../../src/dns/record.ts';
import { ZonekeeperError } from '../../src/errors.ts';
import type {
  Correction,
  Deletions,
  Intent,
  Ledger,
  NameFacts,
  NewIntent,
  SettledChange,
  StateUpdate,
  SurveyPage,
} from '../../src/ledger/port.ts';
import type { DatabasePoint } from './plan.ts';
import { type HistoryRow, type NameRow, put, recordKey, type Tables } from './tables.ts';

/** How a statement or transaction gets to the tables: at once in a contract test, through faults in a schedule. */
export type Reach = <T>(point: DatabasePoint, run: () => T) => Promise<T>;

const DAY_MS = 86_400_000;

/** The ledger in memory. It passes the contract tests of the one in PostgreSQL: test/integration/contracts/ledger.test.ts. */
export class MemoryLedger implements Ledger {
  readonly #tables: Tables;
  readonly #epoch: number;
  readonly #reach: Reach;

  constructor(tables: Tables, epoch: number, reach: Reach) {
    this.#tables = tables;
    this.#epoch = epoch;
    this.#reach = reach;
  }

  facts(fqdns: readonly string[]): Promise<ReadonlyMap<string, NameFacts>> {
    return this.#reach('ledger.facts', () => new Map(fqdns.map((fqdn) => [fqdn, this.#facts(fqdn, true)])));
  }

  survey({ zone, after, limit }: { zone: string | null; after: string | null; limit: number }): Promise<SurveyPage> {
    return this.#reach('ledger.survey', () => {
      const { wanted, records, names } = this.#tables;
      const known = new Set([...names.keys(), ...[...records.values()].map(({ fqdn }) => fqdn)]);
      for (const rows of wanted.values()) for (const { key } of rows) known.add(key);
      const sorted = [...known]
        .filter((fqdn) => zone === null || fqdn === zone || fqdn.endsWith(`.${zone}`))
        .map((fqdn) => ({ fqdn, reversed: fqdn.split('').reverse().join('') }))
        .filter(({ reversed }) => after === null || reversed > after)
        .sort((a, b) => (a.reversed < b.reversed ? -1 : 1));
      const page = sorted.slice(0, limit);
      const next = sorted.length > limit ? (page.at(-1)?.reversed ?? null) : null;
      return { names: page.map(({ fqdn }) => this.#facts(fqdn, false)), next };
    });
  }

  begin(
    intents: readonly NewIntent[],
    forget: readonly { zoneId: string; recordId: string }[],
    deadlineMs: number,
  ): Promise<void> {
    return this.#reach('ledger.begin', () => {
      this.#hold();
      const { intents: rows } = this.#tables;
      const now = this.#tables.now();
      this.#forget(forget);
      for (const intent of intents) {
        rows.set(intent.id, {
          ...intent,
          epoch: this.#epoch,
          deadline: now + deadlineMs,
          createdAt: now,
          state: 'open',
        });
      }
      this.#tables.durable();
    });
  }

  settle(changes: readonly SettledChange[]): Promise<void> {
    return this.#reach('ledger.settle', () => {
      const at = this.#tables.now();
      for (const settled of changes) this.#settle(settled, at);
      this.#tables.durable();
    });
  }

  correct(corrections: readonly Correction[]): Promise<void> {
    return this.#reach('ledger.correct', () => {
      this.#hold();
      const at = this.#tables.now();
      for (const correction of corrections) this.#correct(correction, at);
      this.#tables.durable();
    });
  }

  setStates(updates: readonly StateUpdate[]): Promise<void> {
    return this.#reach('ledger.setStates', () => {
      this.#hold();
      const now = this.#tables.now();
      const rows = updates.map((update): [string, NameRow | undefined] => {
        const { fqdn, state, nextTryMs } = update;
        if (state === 'in_sync' || state === 'gone') return [fqdn, undefined];
        return [fqdn, { ...update, tryAt: nextTryMs === null ? null : now + nextTryMs }];
      });
      const { names, records } = this.#tables;
      const orphaned = new Set(updates.flatMap(({ fqdn, state }) => (state === 'orphaned' ? [fqdn] : [])));
      const since = [...records].filter(([, row]) => orphaned.has(row.fqdn) && row.unwantedSince === null);
      const undo = [
        put(names, new Map(rows)),
        put(records, new Map(since.map(([key, row]) => [key, { ...row, unwantedSince: now }]))),
      ];
      this.#tables.losable(() => {
        for (const one of undo.reverse()) one();
      });
    });
  }

  unsettledNames(limit: number): Promise<readonly string[]> {
    return this.#reach('ledger.unsettledNames', () => {
      const open = [...this.#tables.intents.values()].filter(({ state }) => state === 'open');
      return [...new Set(open.map(({ fqdn }) => fqdn))].slice(0, limit);
    });
  }

  deletions(zone: { readonly id: string; readonly name: string }, windowMs: number): Promise<Deletions> {
    return this.#reach('ledger.deletions', () => {
      const { intents, wanted } = this.#tables;
      const since = this.#tables.now() - windowMs;
      const done = this.#emptied(zone.name, windowMs);
      const deletions = [...intents.values()].filter((row) => row.action === 'delete' && row.zoneId === zone.id);
      const predecessors = deletions.filter((row) => row.state === 'open' && row.epoch !== this.#epoch).length;
      const uncertain = deletions.filter((row) => row.state === 'dropped' && row.createdAt > since);
      const anythingWanted = [...wanted.values()].some((rows) => rows.length > 0);
      const emptied = new Set(done.map(({ fqdn, at }) => `${at} ${fqdn}`)).size;
      return {
        anythingWanted,
        done: emptied,
        predecessors,
        uncertain: [...new Set(uncertain.map(({ fqdn }) => fqdn))],
      };
    });
  }

  trackedIn(zone: { readonly id: string; readonly name: string }, windowMs: number): Promise<number> {
    return this.#reach('ledger.trackedIn', () => {
      const tracked = [...this.#tables.records.values()].filter(({ zoneId }) => zoneId === zone.id);
      return new Set([...tracked, ...this.#emptied(zone.name, windowMs)].map(({ fqdn }) => fqdn)).size;
    });
  }

  prune(): Promise<void> {
    return this.#reach('ledger.prune', () => {
      const { intents } = this.#tables;
      const before = this.#tables.now() - DAY_MS;
      for (const { id, state, createdAt } of [...intents.values()]) {
        if (state === 'dropped' && createdAt < before) intents.delete(id);
      }
      this.#tables.durable();
    });
  }

  #hold(): void {
    const { epoch, holder } = this.#tables.leader;
    if (epoch !== this.#epoch || holder === null) {
      throw new ZonekeeperError('not_leader', `Epoch ${this.#epoch} is over.`);
    }
  }

  #facts(fqdn: string, withIntents: boolean): NameFacts {
    const { wanted, records, intents, names } = this.#tables;
    const now = this.#tables.now();
    const rows: DesiredRow[] = [];
    for (const all of wanted.values()) for (const { key, row } of all) if (key === fqdn) rows.push(row);
    const tracked: TrackedRecord[] = [];
    for (const { adopted: _, unwantedSince, ...row } of named(records.values(), fqdn))
      tracked.push({ ...row, unwantedForMs: unwantedSince === null ? null : now - unwantedSince });
    const known = names.get(fqdn);
    const state = known === undefined || known.state === 'gone' ? null : known;
    return {
      fqdn,
      rows,
      tracked,
      intents: withIntents
        ? named(intents.values(), fqdn).map(
            ({ deadline, createdAt: _, adopted: __, ...row }): Intent => ({ ...row, remainingMs: deadline - now }),
          )
        : [],
      state: state === null ? null : { state: state.state as 'failed', code: state.code, reason: state.reason },
    };
  }

  #forget(forget: Correction['forget']): void {
    const { records, intents } = this.#tables;
    for (const { zoneId, recordId } of forget) {
      const row = records.get(recordKey(zoneId, recordId));
      if (row === undefined) continue;
      records.delete(recordKey(zoneId, recordId));
      const { fqdn, consumer, adopted } = row;
      const now = this.#tables.now();
      const id = `forgotten-${recordId}`;
      const times = { epoch: this.#epoch, deadline: now, createdAt: now };
      const create = { id, zoneId, fqdn, action: 'create', recordId, consumer, replaced: false } as const;
      intents.set(id, { ...create, adopted, state: 'dropped', ...times });
    }
  }

  #correct({ forget, refresh, track, deleted, drop, end }: Correction, at: number): void {
    const { records, intents } = this.#tables;
    this.#forget(forget);
    for (const { zoneId, record, consumer } of refresh) {
      const key = recordKey(zoneId, record.id);
      const row = records.get(key);
      const { content, ttl, proxied } = record;
      if (row !== undefined) records.set(key, { ...row, type: record.type as 'A', content, ttl, proxied, consumer });
    }
    for (const one of track) this.#track(one);
    for (const { intent, zone, cause, replaced } of deleted) {
      if (!intents.delete(intent.id)) continue;
      const { fqdn, recordId } = intent;
      const { trigger, operationId } = cause;
      const told = { fqdn, zone, action: 'delete', recordId, trigger, operationId, result: 'done', replaced };
      this.#tables.history.push({ at, ...told });
    }
    for (const id of drop) {
      const intent = intents.get(id);
      if (intent !== undefined) intent.state = 'dropped';
    }
    for (const id of [...end, ...track.flatMap(({ intent }) => intent?.id ?? [])]) intents.delete(id);
  }

  /** Deletions that count against the guard. */
  #emptied(zone: string, windowMs: number): readonly HistoryRow[] {
    const confirmed = new Set(this.#tables.confirmations.values());
    const since = this.#tables.now() - windowMs;
    return this.#tables.history.filter(
      (row) =>
        row.zone === zone &&
        row.action === 'delete' &&
        row.result === 'done' &&
        !row.replaced &&
        row.at > since &&
        row.trigger !== 'delete' &&
        (row.operationId === null || !confirmed.has(row.operationId)),
    );
  }

  #settle({ change, intentId, zoneId, zone, consumer, cause, result, record }: SettledChange, at: number): void {
    const { intents, records, history } = this.#tables;
    if (result !== 'unknown' && intents.get(intentId)?.state !== 'open') return;
    if (result !== 'unknown') intents.delete(intentId);
    if (result === 'done' && change.action === 'delete') {
      records.delete(recordKey(zoneId, change.recordId ?? ''));
      for (const { id, action, zoneId: zone, recordId } of [...intents.values()]) {
        if (action === 'delete' && zone === zoneId && recordId === change.recordId) intents.delete(id);
      }
    }
    if (result === 'done' && record !== null) {
      const { fqdn, id, type, content, ttl, proxied } = record;
      const key = recordKey(zoneId, id);
      const before = records.get(key);
      const unwantedSince = before?.unwantedSince ?? null;
      const adopted = before?.adopted ?? false;
      const spec = { type: type as 'A', content, ttl, proxied };
      records.set(key, { fqdn, recordId: id, zoneId, ...spec, consumer, unwantedSince, adopted });
    }
    const { trigger, operationId } = cause;
    const recordId = record?.id ?? change.recordId;
    const { fqdn, action, replaced } = change;
    history.push({ at, fqdn, zone, action, recordId, trigger, operationId, result, replaced });
  }

  #track({ zoneId, zone, record, consumer, intent, cause }: Correction['track'][number]): void {
    const { records, intents, history } = this.#tables;
    const key = recordKey(zoneId, record.id);
    if (records.has(key)) return;
    const { fqdn, id, type, content, ttl, proxied } = record;
    const spec = { type: type as 'A', content, ttl, proxied };
    // Tracked before: the history has told of it.
    const again = intent !== null && intent.recordId !== null;
    const adopted = intent === null || (again && intents.get(intent.id)?.adopted === true);
    records.set(key, { fqdn, recordId: id, zoneId, ...spec, consumer, unwantedSince: null, adopted });
    const { trigger, operationId } = cause;
    if (again) return;
    const action = adopted ? 'adopt' : 'create';
    const told = { fqdn, zone, action, recordId: id, trigger, operationId, result: 'done', replaced: false };
    history.push({ at: this.#tables.now(), ...told });
  }
}

function named<T extends { readonly fqdn: string }>(rows: Iterable<T>, fqdn: string): T[] {
  const found: T[] = [];
  for (const row of rows) if (row.fqdn === fqdn) found.push(row);
  return found;
}

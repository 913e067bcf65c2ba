import { planHash } from '../../src/dns/plan.ts';
import { ZonekeeperError } from '../../src/errors.ts';
import type { OperationKind, OperationRequest } from '../../src/ledger/operations.ts';
import type { Report } from '../../src/reconcile/report.ts';
import { ApiFailure } from '../../src/simulator/failure.ts';
import { change, contentsOf, foreignOf, wantedNow, wish } from './application.ts';
import type { Grace } from './grace.ts';
import type { Invariants } from './invariants.ts';
import type { MemoryCloudflare } from './memory-cloudflare.ts';
import type { Act } from './plan.ts';
import type { Scheduler } from './scheduler.ts';
import type { Consumer, Tables } from './tables.ts';

const POLL_MS = 1_000;
const PLAN_WAIT_MS = 120_000;

export interface PeopleParts {
  readonly scheduler: Scheduler;
  readonly tables: Tables;
  readonly cloudflare: MemoryCloudflare;
  readonly invariants: Invariants;
  readonly grace: Grace;
  readonly notify: (what: 'changes' | 'operations') => void;
  /** Nobody plans anything any more. */
  readonly calm: () => boolean;
}

/** What people and applications do, whatever befalls the processes meanwhile: at Cloudflare, in the tables, by orders. */
export class People {
  readonly #parts: PeopleParts;
  #operations = 0;
  /** The plan that somebody confirmed last. */
  #confirmed: Report | null = null;

  constructor(parts: PeopleParts) {
    this.#parts = parts;
  }

  /** Orders a sync over all names. Returns the operation's id. */
  sync(): string {
    return this.#ask('sync', {});
  }

  act(strike: Act): void {
    const { tables, cloudflare, invariants } = this.#parts;
    const fqdn = 'n' in strike ? nameOf(strike.n) : '';
    switch (strike.kind) {
      case 'sync':
        this.sync();
        return;
      case 'plan and confirm':
        this.#planAndConfirm();
        return;
      case 'confirm again':
        if (this.#confirmed !== null) this.#confirm(this.#confirmed);
        return;
      case 'delete order':
      case 'adopt order': {
        const kind = strike.kind === 'delete order' ? 'delete' : 'adopt';
        invariants.ordered(kind, this.#ask(kind, { fqdns: [fqdn], force: strike.force }), fqdn);
        return;
      }
      case 'settings':
        this.#consumersChanged(change(tables, strike));
        return;
      case 'foreign':
        this.#person(() => {
          cloudflare.control.add({ name: fqdn, ...foreignOf(strike.m, wantedNow(tables).get(fqdn)) });
        });
        return;
      case 'edit': {
        const [record] = cloudflare.control.records({ name: fqdn });
        if (record === undefined) return;
        this.#person(() => cloudflare.control.edit({ name: fqdn, id: record.id }, { content: '203.0.113.250' }));
        return;
      }
      case 'delete':
        this.#person(() => cloudflare.control.remove({ name: fqdn }));
        return;
      default:
        this.#consumersChanged(wish(tables, strike, nameOf));
    }
  }

  #consumersChanged(consumers: readonly Consumer[]): void {
    this.#parts.grace.consumersChanged();
    this.#parts.invariants.wants.consumersChanged();
    this.#noted(...consumers);
  }

  /** The triggers note the consumers, in the same transaction. */
  #noted(...consumers: readonly Consumer[]): void {
    const { tables } = this.#parts;
    if (consumers.length === 0) return;
    for (const consumer of consumers) {
      const { kind, id, fqdn } = consumer;
      tables.changes.set(tables.serial(), { kind, id, at: tables.now() });
      if (contentsOf(consumer, tables.settings).length > 1) tables.pairs.add(fqdn);
    }
    tables.durable();
    this.#parts.notify('changes');
  }

  #person(run: () => void): void {
    try {
      run();
    } catch (error) {
      // There is no such record, or the rules of DNS refuse it: a person then goes for a coffee.
      if (!(error instanceof ApiFailure) && !(error instanceof ZonekeeperError)) throw error;
    }
  }

  #ask(kind: OperationKind, asked: Partial<OperationRequest>): string {
    const { tables } = this.#parts;
    const request = { fqdns: null, dryRun: false, confirm: null, force: false, ...asked };
    const sameAs = JSON.stringify([kind, request]);
    for (const row of tables.operations.values()) {
      if (row.sameAs === sameAs && (row.state === 'queued' || row.state === 'running')) return row.id;
    }
    this.#operations += 1;
    const id = `op${this.#operations}`;
    const times = { createdAt: tables.now(), startedAt: null, finishedAt: null };
    const rest = { requestedBy: 'somebody', progress: null, report: null, error: null, epoch: null, sameAs };
    tables.operations.set(id, { id, kind, request, state: 'queued', ...times, ...rest });
    tables.durable();
    this.#parts.notify('operations');
    return id;
  }

  #confirm(plan: Report): void {
    this.#confirmed = plan;
    const id = this.#ask('sync', { confirm: plan.hash });
    // A plan that empties no name needs no confirmation, and uses none up.
    if (plan.hash === planHash([])) return;
    // What makes room for another record needs no confirmation, and gets none.
    const kept = new Set(plan.changes.flatMap(({ action, fqdn }) => (action === 'create' ? [fqdn] : [])));
    const deletions = plan.changes.filter(({ action, fqdn }) => action === 'delete' && !kept.has(fqdn));
    this.#parts.invariants.orders.confirmed(
      id,
      deletions.map(({ fqdn, type, before }) => ({ fqdn, type, content: before?.content ?? '' })),
    );
  }

  #planAndConfirm(): void {
    const id = this.#ask('plan', {});
    const { scheduler, tables, calm } = this.#parts;
    const until = scheduler.now + PLAN_WAIT_MS;
    const look = () => {
      const row = tables.operations.get(id);
      if (row?.state === 'done') this.#confirm(row.report as Report);
      else if (row?.state !== 'failed' && scheduler.now < until && !calm()) scheduler.after(POLL_MS, null, look);
    };
    scheduler.after(POLL_MS, null, look);
  }
}

/** The name of a consumer: in three zones, one of which lies below another, and one in none. */
export function nameOf(n: number): string {
  if (n === 9) return 'n9.nowhere.net';
  return `n${n}.${n < 5 ? 'example.com' : n < 7 ? 'lab.example.com' : 'example.org'}`;
}

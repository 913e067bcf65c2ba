import type { ActualRecord } from '../dns/record.ts';
import { ZonekeeperError } from '../errors.ts';
import { type ElementRef, field } from './messages.ts';
import type { UnitOutcome, WriteOperation, WriteUnit } from './port.ts';
import { toActualRecord } from './record.ts';

type List = 'deletes' | 'patches' | 'posts';

interface Place {
  readonly unit: number;
  /** Position among the operations of the unit. */
  readonly at: number;
  readonly operation: WriteOperation;
}

/** What is sent for one record. */
interface RecordBody {
  readonly type: string;
  readonly name: string;
  readonly content: string;
  readonly ttl: number;
  readonly proxied: boolean;
}

/** The body of a batch call, by the names of Cloudflare's API. */
export interface BatchBody {
  readonly deletes?: readonly { readonly id: string }[];
  readonly patches?: readonly (RecordBody & { readonly id: string })[];
  readonly posts?: readonly (RecordBody & { readonly comment: string })[];
}

const LISTS: readonly List[] = ['deletes', 'patches', 'posts'];
const LIST_OF = { delete: 'deletes', update: 'patches', create: 'posts' } as const;

/**
 * Units as one batch call. Whatever their order, Cloudflare carries out all deletes, then all patches, then all posts; the
 * answer lists each of them in the order in which they were sent. Updates are patches, so that tags and settings stay.
 */
export class Batch {
  readonly #units: readonly WriteUnit[];
  readonly #places: Readonly<Record<List, Place[]>> = { deletes: [], patches: [], posts: [] };

  constructor(units: readonly WriteUnit[]) {
    this.#units = units;
    for (const [unit, { operations }] of units.entries()) {
      for (const [at, operation] of operations.entries()) {
        this.#places[LIST_OF[operation.action]].push({ unit, at, operation });
      }
    }
  }

  /** Operations that it carries. */
  get size(): number {
    return LISTS.reduce((sum, list) => sum + this.#places[list].length, 0);
  }

  body(): BatchBody {
    const { deletes, patches, posts } = this.#places;
    return {
      ...(deletes.length > 0 && {
        deletes: deletes.flatMap(({ operation }) => (operation.action === 'delete' ? { id: operation.recordId } : [])),
      }),
      ...(patches.length > 0 && {
        patches: patches.flatMap(({ operation }) =>
          operation.action === 'update' ? { id: operation.recordId, ...recordBody(operation) } : [],
        ),
      }),
      ...(posts.length > 0 && {
        posts: posts.flatMap(({ operation }) =>
          operation.action === 'create' ? { ...recordBody(operation), comment: operation.comment } : [],
        ),
      }),
    };
  }

  /** The units whose elements are named, each once, in order. */
  unitsOf(elements: readonly ElementRef[]): readonly number[] {
    const units = elements.flatMap(({ list, index }) =>
      list === 'puts' ? [] : (this.#places[list][index]?.unit ?? []),
    );
    return [...new Set(units)].sort((a, b) => a - b);
  }

  /**
   * What a success says of each unit. A unit of whose records the answer does not tell what it should is `unknown`: it
   * was done, but whoever goes on needs the records as they are.
   */
  outcomes(result: unknown): readonly UnitOutcome[] {
    const records = this.#units.map(({ operations }): (ActualRecord | null | undefined)[] =>
      operations.map(({ action }) => (action === 'delete' ? null : undefined)),
    );
    for (const list of ['patches', 'posts'] as const) {
      const told = field(result, list);
      const places = this.#places[list];
      // A list of another length does not tell which answer belongs to which operation.
      if (!Array.isArray(told) || told.length !== places.length) continue;
      for (const [index, { unit, at, operation }] of places.entries()) {
        const record = toActualRecord(told[index]);
        const row = records[unit];
        if (row !== undefined && record !== null && answers(record, operation)) row[at] = record;
      }
    }
    return records.map((row, unit) => {
      const known = row.filter((record) => record !== undefined);
      return known.length === row.length ? { kind: 'applied', records: known } : this.#untold(unit);
    });
  }

  #untold(unit: number): UnitOutcome {
    const message = `Cloudflare carried the batch out, but its answer does not show the records of ${this.#units[unit]?.fqdn}.`;
    return { kind: 'unknown', error: new ZonekeeperError('cloudflare_unavailable', message) };
  }
}

function answers(record: ActualRecord, operation: WriteOperation): boolean {
  if (operation.action === 'delete' || record.fqdn !== operation.fqdn) return false;
  return operation.action === 'update' ? record.id === operation.recordId : record.type === operation.spec.type;
}

function recordBody({ fqdn, spec }: WriteOperation & { action: 'create' | 'update' }): RecordBody {
  const { type, content, ttl, proxied } = spec;
  return { type, name: fqdn, content, ttl, proxied };
}

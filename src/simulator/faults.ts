import type { Random } from '../controller/clock.ts';
import { type ApiError, ApiFailure } from './failure.ts';
import type { FaultSpec, FaultStatus, FaultTarget, RefuseEffect } from './fault.ts';
import type { RecordFields } from './record.ts';

/** Faults that can be set at once. */
export const MAX_FAULTS = 1_000;

/** A fault that is set, with its tally. */
export class Fault {
  readonly id: string;
  readonly spec: FaultSpec;
  readonly #path: RegExp | undefined;
  readonly #held = new Set<(released: boolean) => void>();
  #seen = 0;
  #struck = 0;

  /** Throws SyntaxError when `path` is no regular expression. */
  constructor(id: string, spec: FaultSpec) {
    this.id = id;
    this.spec = spec;
    this.#path = spec.path === undefined ? undefined : new RegExp(spec.path);
  }

  status(): FaultStatus {
    return { id: this.id, spec: this.spec, seen: this.#seen, struck: this.#struck, holding: this.#held.size };
  }

  matches({ operation, method, path, zone }: FaultTarget): boolean {
    const { spec } = this;
    if (spec.operation !== undefined && ![spec.operation].flat().includes(operation)) return false;
    if (spec.method !== undefined && spec.method.toUpperCase() !== method) return false;
    if (spec.zone !== undefined && spec.zone !== zone) return false;
    return this.#path?.test(path) ?? true;
  }

  /** One more that matches: does it strike? */
  strikes(random: Random): boolean {
    const { after = 0, count = Number.POSITIVE_INFINITY, probability = 1 } = this.spec;
    this.#seen += 1;
    if (this.#seen <= after || this.#struck >= count || random() >= probability) return false;
    this.#struck += 1;
    return true;
  }

  /** Resolves when the fault is cleared (true) or the simulator ends (false). */
  hold(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#held.add(resolve);
    });
  }

  release(released: boolean): void {
    for (const resolve of this.#held) resolve(released);
    this.#held.clear();
  }
}

/** All faults that are set, in the order in which they were: the first that strikes a request decides. */
export class Faults {
  readonly #random: Random;
  readonly #faults = new Map<string, Fault>();
  #sequence = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#faults.size;
  }

  /** Throws SyntaxError when `path` is no regular expression. */
  add(spec: FaultSpec): FaultStatus {
    this.#sequence += 1;
    const fault = new Fault(`fault-${this.#sequence}`, spec);
    this.#faults.set(fault.id, fault);
    return fault.status();
  }

  list(): readonly FaultStatus[] {
    return [...this.#faults.values()].map((fault) => fault.status());
  }

  /** Takes one away, or all; what they hold goes on (`released`) or is dropped. How many there were. */
  clear(id?: string, released = true): number {
    const faults = [...this.#faults.values()].filter((fault) => id === undefined || fault.id === id);
    for (const fault of faults) {
      this.#faults.delete(fault.id);
      fault.release(released);
    }
    return faults.length;
  }

  /** The fault that strikes this request. */
  strike(target: FaultTarget): Fault | undefined {
    for (const fault of this.#faults.values()) {
      if (fault.spec.effect.kind !== 'refuse' && fault.matches(target) && fault.strikes(this.#random)) return fault;
    }
    return undefined;
  }

  /** Throws ApiFailure when a fault refuses this record. `pointer` says which element of the batch it is. */
  refuse(target: FaultTarget, record: RecordFields, pointer: string): void {
    for (const fault of this.#faults.values()) {
      const { effect } = fault.spec;
      if (effect.kind !== 'refuse' || !fits(effect, record)) continue;
      if (fault.matches(target) && fault.strikes(this.#random)) throw refusal(effect, pointer);
    }
  }
}

function fits({ name, content, type }: RefuseEffect, record: RecordFields): boolean {
  if (name !== undefined && name !== record.name) return false;
  return (content === undefined || content === record.content) && (type === undefined || type === record.type);
}

function refusal(effect: RefuseEffect, pointer: string): ApiFailure {
  const reason: ApiError = { code: effect.code, message: effect.message ?? 'Refused by a fault of the simulator.' };
  const source = effect.pointer === true && pointer !== '' ? { source: { pointer } } : {};
  const error: ApiError =
    effect.chained === true
      ? { code: 1004, message: 'DNS Validation Error', error_chain: [reason], ...source }
      : { ...reason, ...source };
  return new ApiFailure(effect.status ?? 400, error);
}

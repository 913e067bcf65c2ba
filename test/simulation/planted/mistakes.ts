/** A mistake that a good engineer could make: the text of one place in the core, and what stands there instead. */
export interface Mistake {
  readonly name: string;
  readonly file: string;
  /** Occurs once in the file. */
  readonly text: string;
  readonly instead: string;
}

const mistake = (name: string, file: string, text: string, instead: string): Mistake => ({ name, file, text, instead });

/** Every one of them must be caught by the simulation. */
export const MISTAKES: readonly Mistake[] = [
  mistake(
    'forget the dirty flag: an add during a run is dropped',
    'src/controller/queue.ts',
    'if (entry.pending?.ready) this.#line(entry, entry.pending.priority);',
    'if (entry.pending?.ready) entry.pending = undefined;',
  ),
  mistake(
    'settle an intent by the name alone, without looking at the mark',
    'src/reconcile/settlement.ts',
    'return mark !== null && mark.ownerId === ownerId && mark.intentId === intent.id;',
    'return mark !== null || ownerId !== "";',
  ),
  mistake(
    'drop the check of deadline and lease before a call leaves',
    'src/cloudflare/writer.ts',
    'return left < LEAST_MS ? null : left;',
    'return Math.max(left, WRITE_DEADLINE_MS);',
  ),
  mistake(
    'drop the check of the lease alone',
    'src/cloudflare/writer.ts',
    'Math.min(deadline - this.#options.clock.now(), this.#options.leadsForMs())',
    'deadline - this.#options.clock.now()',
  ),
  mistake(
    'refill the budget at a restart',
    'src/cloudflare/budget.ts',
    'if (calls > 0 && left > 0) this.#window.add(calls, left + MARGIN_MS);',
    'if (calls < 0 && left > 0) this.#window.add(calls, left + MARGIN_MS);',
  ),
  mistake(
    'count a call until 300 s after it began to wait instead of after it ended',
    'src/cloudflare/budget.ts',
    'this.#ended(term === this.#term ? WINDOW_MS + MARGIN_MS : 0);',
    'this.#ended(term === this.#term ? WINDOW_MS / 2 : 0);',
  ),
  mistake(
    'overwrite the mirror with a list that began before our write ended',
    'src/cloudflare/mirror.ts',
    'return this.#writing.has(fqdn) || (this.#touched.get(fqdn) ?? -1) > listing.started;',
    'return this.#writing.has(fqdn) && (this.#touched.get(fqdn) ?? -1) > listing.started;',
  ),
  mistake(
    'let the guard forget the deletions of the last hour',
    'src/reconcile/guard.ts',
    'const recent = done + uncertain',
    'const recent = uncertain',
  ),
  mistake(
    'do not compare the names when the database was away',
    'src/reconcile/term.ts',
    'this.#reading.poke();\n    this.#compare(null);',
    'this.#reading.poke();',
  ),
  mistake(
    'do not look again, when all is compared, at a name that is being worked on',
    'src/reconcile/comparer.ts',
    'for (const fqdn of working) if (zone === null || zones.of(fqdn) === zone) names.push(fqdn);',
    '',
  ),
  mistake(
    'forget a deletion that was given up',
    'src/reconcile/settlement.ts',
    "if (intent.action === 'update') end.push(intent.id);",
    "if (intent.action !== 'create') end.push(intent.id);",
  ),
  mistake(
    'do not count a deletion that is made while the ledger is asked',
    'src/reconcile/guard.ts',
    'const meanwhile = this.#madeIn(zone.name) - before;',
    'const meanwhile = 0 * before;',
  ),
  mistake(
    'forget a deletion that is on its way when its name is wanted again',
    'src/reconcile/guard.ts',
    "if (judgements[index]?.kind !== 'allowed') this.ended(fqdn, zone.name);",
    'this.ended(fqdn, zone.name);',
  ),
  mistake(
    'look again at those who are being worked on only as they are when the comparison ends',
    'src/reconcile/comparer.ts',
    'for (const fqdn of working) if',
    'for (const fqdn of inProcess()) if',
  ),
  mistake(
    'let the guard judge each run by itself',
    'src/reconcile/guard.ts',
    'if (problem === null || this.isReleased(deletion)) return ALLOWED;',
    'if (problem === null || deletions.length === 1) return ALLOWED;',
  ),
  mistake(
    'end a create whose outcome is unknown instead of remembering it',
    'src/reconcile/settlement.ts',
    "if (intent.action === 'update') end.push(intent.id);",
    "if (intent.action !== 'delete') end.push(intent.id);",
  ),
  mistake(
    'settle an intent without a fresh look',
    'src/reconcile/settlement.ts',
    'look: [...new Set(open.map(({ zoneId }) => zoneId))] }',
    'look: [] }',
  ),
  mistake(
    'take an answer that was lost for a refusal',
    'src/cloudflare/writer.ts',
    "outcome?.kind === 'unknown' ? 'unknown' : 'refused'",
    "'refused'",
  ),
  mistake(
    'take a foreign record that says something else for our own',
    'src/dns/verdict.ts',
    'const ours = actual.filter(({ id }) => rows.has(id));',
    'const ours = actual.filter(({ id }) => rows.has(id) || rows.size === 0);',
  ),
  mistake(
    'read only the changes after an answer of the source was lost',
    'src/reconcile/feed.ts',
    'if (this.#missed) onMissed();',
    '',
  ),
  mistake(
    'take operations of the predecessor no more',
    'src/reconcile/executor.ts',
    'if (this.#stopped || room <= 0) return;',
    'if (this.#stopped || room <= 0 || this.#options.fence.epoch > 1) return;',
  ),
  mistake(
    'count a change as made when nobody knows whether it was',
    'src/reconcile/report.ts',
    "if (result === 'done') this.#count(change.action);",
    "if (result !== 'held') this.#count(change.action);",
  ),
  mistake(
    'keep the lease from the moment of the answer instead of the question',
    'src/leadership/leader.ts',
    'else this.#validUntil = sent + this.#ttlMs - MARGIN_MS;',
    'else this.#validUntil = clock.now() + this.#ttlMs;',
  ),
  mistake(
    'begin to lead by a question that was answered too late',
    'src/leadership/leader.ts',
    'this.#validUntil = sent + this.#ttlMs - MARGIN_MS;\n    this.#epoch',
    'this.#validUntil = clock.now() + this.#ttlMs;\n    this.#epoch',
  ),
  mistake(
    'do not retry a name after a failure',
    'src/controller/workers.ts',
    'this.#options.queue.addRateLimited(key, { priority: PRIORITY.retry, context }, afterMs);',
    'void [key, context, afterMs];',
  ),
  mistake(
    'forget who waits for a name when it is added once more',
    'src/controller/queue.ts',
    'pending.context = this.#merge(pending.context, add.context);',
    'pending.context = add.context;',
  ),
  mistake(
    'store the state of a name once, and never correct it',
    'src/reconcile/reconciler.ts',
    '? before === null',
    '? before === null || before.state === "failed"',
  ),
  mistake(
    'forget that a lost answer of a settlement leaves the intent open',
    'src/cloudflare/writer.ts',
    'return works.map((_, index) => outcomes[index] ?? stopped());\n    } catch (error) {',
    'return works.map((_, index) => outcomes[index] ?? stopped());\n    } catch (error) {\n      if (error !== null) return works.map((_, index) => outcomes[index] ?? stopped());',
  ),
  mistake(
    'open the gate at once when Cloudflare does not say for how long it is closed',
    'src/cloudflare/budget.ts',
    'Math.min(retryAfterMs ?? BLOCK_MS, MAX_WAIT_MS)',
    'Math.min(retryAfterMs ?? 0, MAX_WAIT_MS)',
  ),
  mistake(
    'do not look at the zones again when a list has failed',
    'src/reconcile/checker.ts',
    'if (!this.#due.has(zone)) return;',
    'if (!this.#due.has(zone) || error !== null) return;',
  ),
  mistake(
    'do not forget a row whose record is gone',
    'src/reconcile/tracking.ts',
    'const forget = verdict.forget.map((recordId) => ({ zoneId, recordId }));',
    'const forget: { zoneId: string; recordId: string }[] = [];',
  ),
  mistake(
    'look at open intents only at the names that anybody knows',
    'src/reconcile/term.ts',
    'await this.#intake.addUnsettled();',
    '',
  ),
  mistake(
    'do not compare a zone when it is seen for the first time',
    'src/reconcile/term.ts',
    'onFirstSeen: (managed) => this.#compare(managed),',
    'onFirstSeen: () => undefined,',
  ),
  mistake(
    'delete what is superfluous beside a record that only a list has shown',
    'src/reconcile/visit.ts',
    'if (!deletesBeside(verdict.changes)) return false;',
    'if (verdict.changes.length >= 0) return false;',
  ),
  mistake(
    'do not count the deletions that are being judged, if others find their names wanted',
    'src/reconcile/guard.ts',
    'const more = new Set([...this.#going.in(zone.name), ...judged.map(({ fqdn }) => fqdn)]);',
    'const more = new Set([...this.#going.in(zone.name)].filter((fqdn) => judged.every((one) => one.fqdn !== fqdn)));',
  ),
];

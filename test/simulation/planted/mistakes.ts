/** The text of one place, and what stands there instead. */
export interface Place {
  readonly file: string;
  /** Occurs once in the file. */
  readonly text: string;
  readonly instead: string;
}

/** A mistake that a good engineer could make, at one place in the core. */
export interface Mistake extends Place {
  readonly name: string;
  /** Places that go along with it. */
  readonly also: readonly Place[];
}

const mistake = (name: string, file: string, text: string, instead: string, ...also: readonly Place[]): Mistake => ({
  ...{ name, file, text, instead, also },
});

const WITHOUT_MARGIN: Place = {
  file: 'src/leadership/leader.ts',
  text: 'this.#ttlMs - MARGIN_MS - this.#renewed',
  instead: 'this.#ttlMs - this.#renewed',
};

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
    'Math.min(WRITE_DEADLINE_MS - since.elapsedMs(), this.#options.leadsForMs())',
    'WRITE_DEADLINE_MS - since.elapsedMs()',
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
    'look: [...new Set([...open, ...over].map(({ zoneId }) => zoneId))] }',
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
    'else this.#renewed = sent;',
    'else this.#renewed = new Stopwatch(clock);',
    WITHOUT_MARGIN,
  ),
  mistake(
    'begin to lead by a question that was answered too late',
    'src/leadership/leader.ts',
    'this.#renewed = sent;\n    this.#epoch',
    'this.#renewed = new Stopwatch(clock);\n    this.#epoch',
    WITHOUT_MARGIN,
  ),
  mistake(
    'measure leases, calls and reservations by the monotonic clock alone',
    'src/controller/stopwatch.ts',
    'now - this.#started + (ahead - this.#ahead)',
    'now - this.#started',
  ),
  mistake(
    "measure the grace of a deletion by this process's wall clock",
    'src/reconcile/waiting.ts',
    'row.unwantedForMs ?? 0',
    'row.unwantedForMs === null ? 0 : Date.now() - row.unwantedForMs',
    {
      file: 'test/simulation/memory-ledger.ts',
      text: 'unwantedForMs: unwantedSince === null ? null : now - unwantedSince',
      instead: 'unwantedForMs: unwantedSince',
    },
  ),
  mistake(
    'let any order cut the grace of a deletion short',
    'src/reconcile/waiting.ts',
    "if (order?.kind === 'delete') return null;",
    'if (order !== null) return null;',
  ),
  mistake(
    'begin the grace of a deletion anew at each look',
    'src/reconcile/waiting.ts',
    'Math.max(0, ...tracked.map',
    '0 * Math.max(0, ...tracked.map',
  ),
  mistake(
    'tell of no changes where the state of the name could not be stored after them',
    'src/reconcile/reconciler.ts',
    'problem: { code, message }, changes: made, refusal: null',
    'problem: { code, message }, changes: [], refusal: null',
  ),
  mistake(
    'leave updates out of reports',
    'src/reconcile/report.ts',
    'this.#add({ ...line(change), result, error });\n      if',
    "if (change.action === 'update') continue;\n      this.#add({ ...line(change), result, error });\n      if",
  ),
  mistake(
    'count no change in the metrics',
    'src/daemon/reporting.ts',
    'metrics.changes.inc({ zone, action, result });',
    'metrics.changes.zero({ zone, action, result });',
  ),
  mistake(
    'count conflicts as failures in reports',
    'src/reconcile/report.ts',
    "if (state === 'conflict') this.#counts.conflicts += 1;",
    "if (state === 'conflict') this.#counts.failed += 1;",
  ),
  mistake(
    'hold as many deletions as may be made',
    'src/reconcile/guard.ts',
    'if (awaiting + recent <= limit.min) return null;',
    'if (awaiting + recent < limit.min) return null;',
    {
      file: 'src/reconcile/guard.ts',
      text: 'if (awaiting + recent <= allowed) return null;',
      instead: 'if (awaiting + recent < allowed) return null;',
    },
  ),
  mistake(
    'do not tell the guard that a name needs no deletion any more',
    'src/reconcile/part.ts',
    'if (deletions.length === 0) guard.settled(zone.name, fqdn);',
    '',
  ),
  mistake(
    'count no deletion that is found out about',
    'src/reconcile/settlement.ts',
    'const replaced = facts.intents.every((other) => !isSame(other, intent) || other.replaced);',
    'const replaced = true;',
  ),
  mistake(
    'count names as awaiting deletion that vanished before their zone was seen',
    'src/reconcile/comparer.ts',
    'for (const [name, awaiting] of expected) this.#forget(name, awaiting, differ);',
    'for (const [name] of expected) this.#forget(name, [], differ);',
  ),
  mistake(
    'leave rows as they were when something else of their name was written',
    'src/reconcile/part.ts',
    'await this.#correct(corrections(this.#zone, after, this.#desired, now));',
    '',
  ),
  mistake(
    'let a second 429 open the gate that the first one closed for longer',
    'src/cloudflare/gate.ts',
    'if (this.#until !== null && this.#until >= until) return;',
    '',
  ),
  mistake(
    'let calls leave whose reservation may not have been written down',
    'src/cloudflare/lots.ts',
    'await this.#log.reserve(calls);',
    'void this.#log.reserve(calls).catch(() => undefined);',
  ),
  mistake(
    'count an operation that a successor has ended',
    'src/reconcile/executor.ts',
    'return await operations.finish(fence, operation.id, report, error);',
    'await operations.finish(fence, operation.id, report, error);\n        return true;',
  ),
  mistake(
    'count only those who converged after a change',
    'src/daemon/reporting.ts',
    'metrics.converge.observe({ zone, trigger }, ms / 1000)',
    "trigger === 'change' && metrics.converge.observe({ zone, trigger }, ms / 1000)",
  ),
  mistake(
    'do not retry a name after a failure',
    'src/controller/workers.ts',
    'this.#options.queue.addRateLimited(key, { priority: PRIORITY.retry, context }, afterMs);',
    'void afterMs;',
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
    'make only the first of the corrections that are made together',
    'src/reconcile/corrector.ts',
    'await ledger.correct(part)',
    'await ledger.correct(part.slice(0, 1))',
  ),
  mistake(
    'tell of a correction that the ledger did not make that it was made',
    'src/reconcile/corrector.ts',
    'corrections.slice(answers.length).map(() => failed)',
    'corrections.slice(answers.length).map(() => undefined)',
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
    'src/reconcile/witness.ts',
    'if (!deletesBeside(verdict.changes)) return false;',
    'if (verdict.changes.length >= 0) return false;',
  ),
  mistake(
    'do not count the deletions that are being judged, if others find their names wanted',
    'src/reconcile/guard.ts',
    'const more = new Set([...this.#going.in(zone.name), ...judged.map(({ fqdn }) => fqdn)]);',
    'const more = new Set([...this.#going.in(zone.name)].filter((fqdn) => judged.every((one) => one.fqdn !== fqdn)));',
  ),
  mistake(
    'adopt whatever stands there, without an order',
    'src/reconcile/part.ts',
    "if (this.#context.order?.kind === 'adopt') return await",
    "if (this.#context.order?.kind === 'adopt' || !('refusal' in adoptable(zone, this.#facts.fqdn, this.#desired, this.#tracked))) return await",
  ),
  mistake(
    'delete although nobody wants anything at all',
    'src/reconcile/guard.ts',
    'if (!anythingWanted) {',
    'if (!anythingWanted && limit.min < 0) {',
  ),
  mistake(
    'take a confirmation of another plan',
    'src/reconcile/sync.ts',
    'if (hash !== plan.hash) {',
    'if (hash.length !== plan.hash.length) {',
  ),
  mistake(
    'take a confirmation that was used',
    'src/reconcile/sync.ts',
    'if (!(await request.useConfirmation(hash))) {',
    "if (!(await request.useConfirmation(hash)) && hash === '') {",
  ),
  mistake(
    'let any confirmation open the guard for all',
    'src/reconcile/guard.ts',
    'if (problem === null || this.isReleased(deletion)) return ALLOWED;',
    'if (problem === null || this.#released.size > 0) return ALLOWED;',
  ),
  mistake(
    'do not ask once more whether a name is wanted before it is deleted',
    'src/reconcile/guard.ts',
    'wanted = await this.#options.source.stillWanted(deletions.map(({ fqdn }) => fqdn));',
    'wanted = new Set<string>();',
  ),
  mistake(
    "do not wait for a predecessor's call",
    'src/reconcile/settlement.ts',
    'const waitMs = Math.max(0, ',
    'const waitMs = Math.min(0, ',
  ),
  mistake(
    'use a reserved call however long ago it was reserved',
    'src/cloudflare/lots.ts',
    'const usable = this.#lots.filter(({ age }) => age.elapsedMs() < LOT_USABLE_MS);',
    'const usable = this.#lots.filter(({ age }) => age.elapsedMs() >= 0);',
  ),
  mistake(
    'count a reserved call until 300 s after it was reserved',
    'src/cloudflare/budget.ts',
    'export const LOT_COUNTS_MS = WINDOW_MS + LOT_USABLE_MS + MAX_CALL_MS;',
    'export const LOT_COUNTS_MS = WINDOW_MS;',
  ),
  mistake(
    'do not notice that the wall clock was set back',
    'src/cloudflare/slots.ts',
    'const back = wall < this.#wall - WALL_TOLERANCE_MS;',
    'const back = wall < 0;',
  ),
  mistake(
    'take what was let through in the course of a confirmed sync for confirmed',
    'src/reconcile/context.ts',
    "if (released || context.order?.kind === 'delete') return cause;",
    "if (released || context.order?.kind !== 'adopt') return cause;",
  ),
];

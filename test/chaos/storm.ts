import type { Random } from '../../src/controller/clock.ts';
import type { Stage } from './stage.ts';

/** Subdomains and domains that come and go. Enough that names are mostly different ones, few enough that they meet again. */
const NAMES = 800;
/** Statements that a fault of ours struck are made again. */
const ATTEMPTS = 200;
const PAUSE_MS = 100;
/** Consumers that one transaction of an application changes at most. */
const LARGEST = 60;

/** What an application and people at the dashboard do meanwhile. */
export class Storm {
  readonly #stage: Stage;
  readonly #random: Random;
  /** Ids of records that a person added: foreign for ever, unless a person removes them. */
  readonly foreign = new Set<string>();
  /** Names on which a person ever added a record: no others may hold one that is not ours. */
  readonly contested = new Set<string>();
  changes = 0;

  constructor(stage: Stage, random: Random) {
    this.#stage = stage;
    this.#random = random;
  }

  /** One transaction of the application, or one act of a person. Returns how many consumers or records it changed. */
  async strike(): Promise<void> {
    if (this.#random() < 0.15) await this.#person();
    else await this.#application();
  }

  async #application(): Promise<void> {
    const count = this.#random() < 0.8 ? 1 + this.#below(5) : 1 + this.#below(LARGEST);
    const statements = Array.from({ length: count }, () => this.#statement());
    for (let attempt = 1; ; attempt++) {
      try {
        // Ordered by their text, so that the storm has no deadlocks of its own.
        await this.#stage.together(statements);
        break;
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
    this.changes += count;
  }

  #statement(): readonly [string, readonly unknown[]] {
    const n = this.#below(NAMES);
    const address = `198.51.100.${1 + this.#below(250)}`;
    const kind = this.#random();
    if (kind < 0.35) {
      return [
        `INSERT INTO instances (subdomain, name, status, npm_proxy_id)
         SELECT $1, $1, 'running', 1 WHERE NOT EXISTS (SELECT FROM instances WHERE subdomain = $1)`,
        [`n${n}`],
      ];
    }
    if (kind < 0.5) return [`UPDATE instances SET status = 'stopped' WHERE subdomain = $1`, [`n${n}`]];
    if (kind < 0.65) return [`UPDATE instances SET status = 'running' WHERE subdomain = $1`, [`n${n}`]];
    if (kind < 0.72) return ['DELETE FROM instances WHERE subdomain = $1', [`n${n}`]];
    if (kind < 0.86) {
      return [
        `INSERT INTO standalone_proxies (domain, target)
         SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM standalone_proxies WHERE domain = $1)`,
        [`p${n}.lab.example.com`, address],
      ];
    }
    if (kind < 0.95)
      return ['UPDATE standalone_proxies SET target = $2 WHERE domain = $1', [`p${n}.lab.example.com`, address]];
    return ['DELETE FROM standalone_proxies WHERE domain = $1', [`p${n}.lab.example.com`]];
  }

  async #person(): Promise<void> {
    const { dashboard } = this.#stage;
    this.changes += 1;
    if (this.#random() < 0.25) {
      // Some on names of ours to come, some on names that nobody will ever want.
      const label = this.#random() < 0.5 ? `n${this.#below(NAMES)}` : `own${this.#below(50)}`;
      const name = `${label}.example.com`;
      this.contested.add(name);
      const id = await dashboard.add({ type: 'A', name, content: `203.0.113.${1 + this.#below(250)}`, ttl: 300 });
      if (id !== null) this.foreign.add(id);
      return;
    }
    const ours = (await dashboard.records()).filter(({ id }) => !this.foreign.has(id));
    const record = ours[this.#below(Math.max(1, ours.length))];
    if (record === undefined) return;
    if (this.#random() < 0.5) await dashboard.edit(record, { content: `203.0.113.${1 + this.#below(250)}` });
    else await dashboard.remove(record.name, record.type);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

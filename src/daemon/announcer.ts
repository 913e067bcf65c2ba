import type { Clock, Timer } from '../controller/clock.ts';
import type { Database } from '../database/database.ts';
import { toError, type ZonekeeperError } from '../errors.ts';

/** Names that one announcement lists; above it, it says "many". */
const MAX_NAMES = 100;
/** Bytes that a NOTIFY payload may have, with some room (PostgreSQL: 7,999). */
const MAX_BYTES = 7_000;
/** Changes within this time are announced together. Milliseconds. */
const GATHER_MS = 100;

/** Tells all processes which names changed, so that their pages can read them again. Losing one loses nothing. */
export class Announcer {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #onError: (error: ZonekeeperError) => void;
  readonly #names = new Set<string>();
  #many = false;
  #timer: Timer | undefined;

  constructor(db: Database, clock: Clock, onError: (error: ZonekeeperError) => void) {
    this.#db = db;
    this.#clock = clock;
    this.#onError = onError;
  }

  changed(fqdn: string): void {
    if (this.#names.size >= MAX_NAMES) this.#many = true;
    else this.#names.add(fqdn);
    this.#timer ??= this.#clock.after(GATHER_MS, () => this.#send());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #send(): void {
    const listed = JSON.stringify({ names: [...this.#names] });
    const payload = this.#many || Buffer.byteLength(listed) > MAX_BYTES ? '{"names":null}' : listed;
    this.#names.clear();
    this.#many = false;
    this.#timer = undefined;
    this.#db
      .rows('SELECT pg_notify($1, $2)', [this.#db.channel('events'), payload])
      .catch((error) => this.#onError(toError(error)));
  }
}

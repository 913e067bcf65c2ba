import pg from 'pg';
import type { Clock, Random, Timer } from '../../controller/clock.ts';
import { databaseError } from '../../database/error.ts';
import type { ZonekeeperError } from '../../errors.ts';

/** How a listener speaks to its owner. None of the callbacks may throw. */
export interface ListenerEvents {
  /** Listening on all channels since now: whoever relies on notifications reads everything once more. */
  readonly onConnected: () => void;
  /** Not listening any more; it reconnects by itself. */
  readonly onLost: (error: ZonekeeperError) => void;
  /** A notification. The payload is a hint and never trusted. */
  readonly onNotification: (channel: string, payload: string) => void;
}

export interface ListenerOptions {
  /** How to connect; a connection of its own and a direct one (LISTEN does not pass a transaction pooler). */
  readonly connection: () => pg.ClientConfig;
  readonly channels: readonly string[];
  /** The channel on which the listener notifies itself. */
  readonly heartbeatChannel: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: ListenerEvents;
}

/** A connection that a firewall has forgotten emits nothing at all: only an unanswered heartbeat tells. */
const HEARTBEAT_EVERY_MS = 10_000;
const HEARTBEAT_TIMEOUT_MS = 5_000;
const RECONNECT_FIRST_MS = 100;
const RECONNECT_MAX_MS = 10_000;

/**
 * One connection that LISTENs.
 *
 *     stopped ──start()──▶ connecting ──LISTEN done──▶ connected ──error, end, no heartbeat──▶ waiting ──▶ connecting
 *
 * Losing or doubling notifications changes latency, never the outcome: after every (re)connection the owner reads
 * everything that was noted meanwhile.
 */
export class Listener {
  readonly #options: ListenerOptions;
  #client: pg.Client | undefined;
  #timer: Timer | undefined;
  #failures = 0;
  #beat = 0;
  #heard = 0;
  #state: 'stopped' | 'connecting' | 'connected' | 'waiting' = 'stopped';

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#state === 'connected';
  }

  start(): void {
    if (this.#state === 'stopped') void this.#connect();
  }

  /** Ends the connection. Resolves once it is closed. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#timer?.cancel();
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  /** Drops the connection and makes a new one, with the connection settings as they are now. */
  reconnect(): void {
    if (this.#state === 'stopped') return;
    this.#lost(this.#client, new Error('The connection settings changed.'));
  }

  async #connect(): Promise<void> {
    this.#state = 'connecting';
    // Until it listens no heartbeat tells whether anybody is there.
    const client = new pg.Client({
      ...this.#options.connection(),
      keepAlive: true,
      query_timeout: HEARTBEAT_TIMEOUT_MS,
    });
    this.#client = client;
    // A killed backend emits `error` twice, then `end`; the first one counts.
    client.on('error', (error) => this.#lost(client, error));
    client.on('end', () => this.#lost(client, new Error('Connection terminated.')));
    client.on('notification', ({ channel, payload }) => this.#notified(channel, payload ?? ''));
    try {
      await client.connect();
      for (const channel of [...this.#options.channels, this.#options.heartbeatChannel]) {
        await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
      }
    } catch (error) {
      this.#lost(client, error);
      return;
    }
    if (this.#client !== client) return;
    this.#state = 'connected';
    this.#failures = 0;
    this.#options.events.onConnected();
    this.#scheduleHeartbeat(client);
  }

  #notified(channel: string, payload: string): void {
    if (channel !== this.#options.heartbeatChannel) {
      this.#options.events.onNotification(channel, payload);
      return;
    }
    // Several daemons share the channel; only our own beat proves that our LISTEN works, and it carries a number of ours.
    if (payload === this.#beatPayload()) this.#heard = this.#beat;
  }

  #beatPayload(): string {
    return `${process.pid}-${this.#beat}`;
  }

  #scheduleHeartbeat(client: pg.Client): void {
    const { clock } = this.#options;
    this.#timer = clock.after(HEARTBEAT_EVERY_MS, () => {
      this.#beat += 1;
      client
        .query('SELECT pg_notify($1, $2)', [this.#options.heartbeatChannel, this.#beatPayload()])
        .catch((error) => this.#lost(client, error));
      this.#timer = clock.after(HEARTBEAT_TIMEOUT_MS, () => {
        if (this.#heard === this.#beat) this.#scheduleHeartbeat(client);
        else this.#lost(client, new Error(`No heartbeat within ${HEARTBEAT_TIMEOUT_MS} ms.`));
      });
    });
  }

  #lost(client: pg.Client | undefined, error: unknown): void {
    if (client === undefined || this.#client !== client) return;
    this.#client = undefined;
    this.#timer?.cancel();
    // The socket may be dead: nobody waits for it to say goodbye.
    client.end().catch(() => undefined);
    this.#state = 'waiting';
    const ceiling = Math.min(RECONNECT_MAX_MS, RECONNECT_FIRST_MS * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 20);
    const { clock, random, events } = this.#options;
    this.#timer = clock.after(ceiling / 2 + (random() * ceiling) / 2, () => void this.#connect());
    events.onLost(databaseError(error));
  }
}

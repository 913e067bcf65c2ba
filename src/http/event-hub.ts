/** What a subscriber is told: names that changed (null: too many to list), or an operation that moved on. */
export type HubEvent = { readonly names: readonly string[] | null } | { readonly operation: string };

/** Receives events; may only make a note. */
export type Subscriber = (event: HubEvent) => void;

/** Subscribers at most; a browser tab is one. */
const MAX_SUBSCRIBERS = 1_000;

/** Passes the announcements of the leader on to whoever listens at this process. */
export class EventHub {
  readonly #subscribers = new Set<Subscriber>();
  readonly #closers = new Set<() => void>();

  get size(): number {
    return this.#subscribers.size;
  }

  /** Null when there is no more room. The result ends the subscription. */
  subscribe(subscriber: Subscriber, onClose: () => void = () => undefined): (() => void) | null {
    if (this.#subscribers.size >= MAX_SUBSCRIBERS) return null;
    this.#subscribers.add(subscriber);
    this.#closers.add(onClose);
    return () => {
      this.#subscribers.delete(subscriber);
      this.#closers.delete(onClose);
    };
  }

  publish(event: HubEvent): void {
    for (const subscriber of this.#subscribers) subscriber(event);
  }

  /** Takes an announcement as it came by NOTIFY: a hint from whoever may notify, so its shape is checked. */
  announce(payload: string): void {
    const event = parse(payload);
    if (event !== null) this.publish(event);
  }

  /** Ends all streams: the process stops. */
  close(): void {
    for (const close of [...this.#closers]) close();
    this.#closers.clear();
    this.#subscribers.clear();
  }
}

function parse(payload: string): HubEvent | null {
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    // Not from us; an announcement is never needed, everything can be read.
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  if ('operation' in value && typeof value.operation === 'string') return { operation: value.operation };
  if ('names' in value && value.names === null) return { names: null };
  if ('names' in value && Array.isArray(value.names))
    return { names: value.names.filter((name) => typeof name === 'string') };
  return null;
}

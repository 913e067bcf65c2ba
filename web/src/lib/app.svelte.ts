import { getContext, setContext } from 'svelte';
import { getOperation, getStatus, getSummary, setToken, syncDnsRecords } from './api.ts';
import { readEvents, type ServerEvent } from './events.ts';
import { outcome } from './format.ts';
import { type Problem, toProblem } from './problem.ts';
import type { Operation, Status, Summary } from './types.ts';

/** A message that stays for a while; problems stay until they are closed. */
export interface Toast {
  readonly id: number;
  readonly kind: 'done' | 'problem';
  readonly title: string;
  readonly detail: string;
  readonly todo: string | null;
  readonly href: string | null;
}

/** Told of names that changed: null for many. */
export type NamesListener = (names: readonly string[] | null) => void;

const KEY = Symbol('app');
/** Between two attempts to connect: doubled up to a limit, and spread, so that fifty tabs do not come back as one. */
const RECONNECT_MS = { first: 500, most: 15_000 };
/** Changes within this time are read together. */
const GATHER_MS = 400;
const STATUS_EVERY_MS = 10_000;
const TOAST_MS = 12_000;
const MAX_TOASTS = 5;
const POLL_MS = 1_000;

/** What all pages share: the connection, the counts, running operations and messages. */
export class App {
  summary = $state<Summary | null>(null);
  status = $state<Status | null>(null);
  /** `lost` once there was a connection, or when it takes too long to come about. */
  connection = $state<'connecting' | 'live' | 'lost'>('connecting');
  /** Why the token is asked for; null while it is not. */
  asksToken = $state<Problem | null>(null);
  running = $state<Operation | null>(null);
  toasts = $state<Toast[]>([]);
  now = $state(Date.now());
  readonly #listeners = new Set<NamesListener>();
  readonly #operationListeners = new Set<(operation: Operation) => void>();
  readonly #end = new AbortController();
  readonly #told = new Set<string>();
  #gathered: Set<string> | null = new Set();
  #gatherTimer: ReturnType<typeof setTimeout> | undefined;
  #stream = new AbortController();
  #toastId = 0;

  /** Connects; ends when the returned function is called. */
  start(): () => void {
    const clock = setInterval(() => {
      this.now = Date.now();
    }, 1_000);
    const status = setInterval(() => void this.#readStatus(), STATUS_EVERY_MS);
    const shown = () => {
      if (!document.hidden) this.#flush();
    };
    document.addEventListener('visibilitychange', shown);
    void this.#readStatus();
    void this.#readSummary();
    void this.#connect();
    return () => {
      clearInterval(clock);
      clearInterval(status);
      clearTimeout(this.#gatherTimer);
      document.removeEventListener('visibilitychange', shown);
      this.#end.abort();
      this.#stream.abort();
    };
  }

  /** Calls back when names changed. The result ends it. */
  onNames(listener: NamesListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onOperation(listener: (operation: Operation) => void): () => void {
    this.#operationListeners.add(listener);
    return () => this.#operationListeners.delete(listener);
  }

  /** The token is used from now on, and everything is read again with it. */
  useToken(value: string): void {
    setToken(value);
    this.asksToken = null;
    this.#stream.abort();
    void this.#readStatus();
    this.#changed(null);
  }

  /** Shows a problem; one that asks for a token, asks for it. */
  problem(thrown: unknown): void {
    const problem = toProblem(thrown);
    if (problem.status === 401) this.asksToken = problem;
    else this.toast({ kind: 'problem', title: problem.title, detail: problem.message, todo: problem.todo, href: null });
  }

  toast(toast: Omit<Toast, 'id'>): void {
    const id = ++this.#toastId;
    this.toasts = [...this.toasts, { ...toast, id }].slice(-MAX_TOASTS);
    if (toast.kind === 'done') setTimeout(() => this.dismiss(id), TOAST_MS);
  }

  dismiss(id: number): void {
    this.toasts = this.toasts.filter((toast) => toast.id !== id);
  }

  /** Asks for a sync and follows it to its end. Throws a {@link Problem} when it cannot be asked for. */
  async sync(fqdns: readonly string[] | null, confirm: string | null = null): Promise<void> {
    let operation = await syncDnsRecords(fqdns, confirm);
    this.#operation(operation);
    // Events tell sooner; this also tells when they are lost.
    while (operation.state !== 'done' && operation.state !== 'failed') {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if (this.#end.signal.aborted || this.#told.has(operation.id)) return;
      operation = await getOperation(operation.id);
      this.#operation(operation);
    }
  }

  async #connect(): Promise<void> {
    for (let pause = RECONNECT_MS.first; !this.#end.signal.aborted; ) {
      this.#stream = new AbortController();
      await readEvents((event) => {
        pause = RECONNECT_MS.first;
        this.#event(event);
      }, this.#stream.signal).catch(() => undefined);
      if (this.#end.signal.aborted) return;
      this.connection = 'lost';
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random() / 2)));
      pause = Math.min(pause * 2, RECONNECT_MS.most);
    }
  }

  #event({ event, data }: ServerEvent): void {
    if (event === 'hello') {
      this.connection = 'live';
      this.#changed(null);
      void this.#readStatus();
    } else if (event === 'names') {
      this.#changed((data as { names: readonly string[] | null }).names);
    } else if (event === 'operation') {
      this.#operation(data as Operation);
    }
  }

  #operation(operation: Operation): void {
    for (const listener of this.#operationListeners) listener(operation);
    const over = operation.state === 'done' || operation.state === 'failed';
    if (!over) this.running = operation;
    else if (this.running?.id === operation.id) this.running = null;
    if (!over || this.#told.has(operation.id)) return;
    this.#told.add(operation.id);
    this.#changed(null);
    if (operation.kind !== 'sync') return;
    const href = `/operations?id=${encodeURIComponent(operation.id)}`;
    if (operation.error !== null) {
      this.toast({ kind: 'problem', title: 'The sync failed', detail: operation.error.message, todo: null, href });
    } else if (operation.report !== null) {
      const title = operation.dry_run ? 'Dry run: nothing was changed' : 'Synced';
      this.toast({ kind: 'done', title, detail: outcome(operation.report), todo: null, href });
    }
  }

  /** A page that nobody sees reads nothing until somebody does. */
  #changed(names: readonly string[] | null): void {
    if (names === null) this.#gathered = null;
    else for (const name of names) this.#gathered?.add(name);
    if (!document.hidden) this.#gatherTimer ??= setTimeout(() => this.#flush(), GATHER_MS * (0.5 + Math.random()));
  }

  #flush(): void {
    this.#gatherTimer = undefined;
    const names = this.#gathered === null ? null : [...this.#gathered];
    if (names?.length === 0) return;
    this.#gathered = new Set();
    void this.#readSummary();
    for (const listener of this.#listeners) listener(names);
  }

  async #readSummary(): Promise<void> {
    try {
      this.summary = await getSummary();
    } catch (error) {
      this.#quietly(error);
    }
  }

  async #readStatus(): Promise<void> {
    if (document.hidden) return;
    try {
      this.status = await getStatus();
    } catch (error) {
      this.#quietly(error);
    }
  }

  /** What is read in the background: a lost connection is shown by its mark, a missing token by its question. */
  #quietly(error: unknown): void {
    const problem = toProblem(error);
    if (problem.status === 401) this.asksToken = problem;
    else this.connection = 'lost';
  }
}

/** Makes the state that all pages share; for the layout. */
export const provideApp = (): App => setContext(KEY, new App());
/** The state that all pages share. */
export const useApp = (): App => getContext<App>(KEY);

import type { ChangeEntry, Counters, DnsRecord, FaultSpec, RecordInput } from '../../src/simulator/simulator.ts';

const LIMIT_MS = 60_000;

/** The control side of the simulator in its own process: what a person sees and does at the dashboard, and faults. */
export class Dashboard {
  readonly #url: string;

  /** `url` is that of the control side. */
  constructor(url: string) {
    this.#url = url;
  }

  async records(): Promise<readonly DnsRecord[]> {
    return (await this.#call('GET', '/records')) as readonly DnsRecord[];
  }

  async changes(since: number): Promise<{ changes: readonly ChangeEntry[]; dropped: number; last: number }> {
    return (await this.#call('GET', `/changes?since=${since}`)) as never;
  }

  async counters(): Promise<Counters> {
    return (await this.#call('GET', '/counters')) as Counters;
  }

  /** Returns the id of the new record; null when the rules of DNS refuse it. */
  async add(record: RecordInput): Promise<string | null> {
    const { records } = (await this.#call('POST', '/records', record)) as { records?: readonly DnsRecord[] };
    return records?.[0]?.id ?? null;
  }

  async edit(record: DnsRecord, set: RecordInput): Promise<void> {
    await this.#call('PATCH', '/records', { name: record.name, id: record.id, set });
  }

  /** True if it was there. */
  async remove(name: string, type: string): Promise<boolean> {
    const { records } = (await this.#call('DELETE', `/records?name=${name}&type=${type}`)) as { records?: unknown[] };
    return records !== undefined;
  }

  async fault(spec: FaultSpec): Promise<void> {
    await this.#call('POST', '/faults', spec);
  }

  async clearFaults(): Promise<void> {
    await this.#call('DELETE', '/faults');
  }

  /** Every token is revoked, or all are good again. */
  async token(good: boolean): Promise<void> {
    await this.#call('PUT', '/tokens', { tokens: good ? null : [{ token: 'another-token' }] });
  }

  async latency(ms: number): Promise<void> {
    await this.#call('PATCH', '/settings', { latency_ms: ms });
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      signal: AbortSignal.timeout(LIMIT_MS),
      ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    // Somebody else was quicker (404), or the rules of DNS refuse the record (422): a person then does something else.
    if (response.status === 404 || response.status === 422) return {};
    if (!response.ok)
      throw new Error(`${method} ${path} of the simulator: ${response.status} ${await response.text()}`);
    return response.json();
  }
}

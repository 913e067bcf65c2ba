/** What a source found out by reading. */
export interface Refreshed {
  /** Names whose desired record set may differ from what was read before, with duplicates removed. */
  readonly names: readonly string[];
  /** Those of them that no consumer wants any more. */
  readonly vanished: readonly string[];
  /** Wall-clock milliseconds of the oldest change that led here, where the source knows; for the latency metrics. */
  readonly since: number | null;
}

/** How much to read: what was noted as changed, or everything. */
export type RefreshScope = 'changes' | 'everything';

/**
 * Where desired comes from. It keeps the ledger's `wanted` equal to the truth, and tells the names that differ. It says
 * nothing about what a name should be: whoever reconciles the name reads that from the ledger at that moment.
 */
export interface Source {
  /**
   * Reads and writes `wanted`; the names are returned only after it is committed. Calls are carried out one after the
   * other. Throws a ZonekeeperError when desired cannot be read; `wanted` is then as it was.
   */
  refresh(scope: RefreshScope): Promise<Refreshed>;
  /**
   * Asked once more right before deletions: which of these names does a consumer want after all? Reads the source itself,
   * not what was read before. Throws when it cannot be read: nothing may be deleted then.
   */
  stillWanted(fqdns: readonly string[]): Promise<ReadonlySet<string>>;
}

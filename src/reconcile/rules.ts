import type { DesiredName, DesiredRow, Problem } from '../dns/desired.ts';
import type { Policy } from '../dns/verdict.ts';

/** What the configuration says about names and changes. */
export interface Rules {
  readonly resolve: (fqdn: string, rows: readonly DesiredRow[]) => DesiredName | null;
  /** Why we may not touch the name at all (ZONEKEEPER_NAMES, ZONEKEEPER_IGNORE); null when we may. */
  readonly outside: (fqdn: string) => Problem | null;
  readonly allowApex: boolean;
  readonly allowWildcard: boolean;
  readonly policy: Policy;
  /** Decide and report, change nothing. */
  readonly dryRun: boolean;
  /** How long a record outlives its consumer. Milliseconds. */
  readonly deleteGraceMs: number;
  readonly ownerId: string;
}

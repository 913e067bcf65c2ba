import type { Settings } from '../config/schema.ts';
import type { LeaderInfo } from '../http/routes/status.ts';
import type { Term } from '../reconcile/term.ts';
import type { SourceFacts } from '../sources/postgres/prepare.ts';
import type { Cloudflare } from './cloudflare.ts';

/** What the leader writes beside its name at each renewal, so that every replica can tell it. */
export function leaderInfo(parts: {
  readonly config: Settings;
  readonly term: Term | null;
  readonly cloudflare: Cloudflare | null;
  readonly facts: SourceFacts | null;
  readonly listening: boolean;
}): LeaderInfo {
  const { config, term, cloudflare, facts, listening } = parts;
  return {
    settings: { dry_run: config.dryRun, policy: config.policy },
    source: {
      connected: listening,
      triggers: facts?.triggers ?? false,
      view: facts?.view.mode ?? 'generated',
      error: term?.sourceError ?? null,
    },
    ...(cloudflare !== null && {
      budget: {
        limit: config.apiBudget,
        remaining: cloudflare.budget.remaining(),
        gate_closed_for_ms: Math.round(cloudflare.gateClosedForMs),
      },
    }),
    ...(term !== null && {
      queue: { waiting: term.queue.depth, delayed: term.queue.delayed, processing: term.queue.processing },
    }),
  };
}

import { problemSchema } from '../problem.ts';
import { isoTimeOrNull, statusSchema } from '../schemas.ts';
import type { Services } from '../services.ts';
import type { App } from '../typed-app.ts';

/** How the installation is, told by any replica: the leader writes it down as it renews its row. */
export interface LeaderInfo {
  readonly budget?: { limit: number; remaining: number; gate_closed_for_ms: number };
  readonly queue?: { waiting: number; delayed: number; processing: number };
  readonly source?: { connected: boolean; triggers: boolean; view: string; error: string | null };
  readonly settings?: { dry_run: boolean; policy: string };
}

export function statusRoutes(app: App, services: Services): void {
  app.get(
    '/api/status',
    {
      schema: {
        operationId: 'status',
        tags: ['status'],
        summary: 'Version, leader, zones, budget, last check per zone, guard.',
        response: { 200: statusSchema, default: problemSchema },
      },
    },
    async () => {
      const [leader, zones] = await Promise.all([services.leader(), services.zones()]);
      const info = leader.info as LeaderInfo;
      return {
        version: services.version,
        leader: {
          holder: leader.holder,
          address: leader.address,
          epoch: leader.epoch,
          alive: leader.alive,
          renewed_ms_ago: leader.ageMs === null ? null : Math.round(leader.ageMs),
        },
        budget: info.budget ?? null,
        queue: info.queue ?? null,
        source: info.source ?? null,
        settings: info.settings ?? { dry_run: false, policy: 'sync' },
        zones: zones.map((zone) => ({
          name: zone.name,
          id: zone.id,
          records: zone.records,
          last_check: isoTimeOrNull(zone.lastCheck),
          last_success: isoTimeOrNull(zone.lastSuccess),
          interval_ms: zone.intervalMs,
          error: zone.error,
          held: zone.held,
        })),
      };
    },
  );
}

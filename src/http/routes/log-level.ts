import { z } from 'zod';
import { LOG_LEVELS } from '../../config/log-levels.ts';
import { actorOf } from '../access.ts';
import { problemSchema } from '../problem.ts';
import { logLevelSchema } from '../schemas.ts';
import type { Services } from '../services.ts';
import type { App } from '../typed-app.ts';

const body = z
  .strictObject({
    level: z.enum(LOG_LEVELS).nullable().meta({ description: 'Least severity; null for what the settings say.' }),
  })
  .meta({ id: 'LogLevelRequest' });

/** `/api/log-level`: how much this process logs, changeable while it runs. Other replicas are not touched. */
export function logLevelRoutes(app: App, { log }: Services): void {
  const shown = () => ({ level: log.level(), configured: log.configured });
  const response = { 200: logLevelSchema, default: problemSchema };
  app.get(
    '/api/log-level',
    {
      schema: {
        operationId: 'logLevel',
        tags: ['status'],
        summary: 'Least severity that this process logs.',
        response,
      },
    },
    async () => shown(),
  );
  app.put(
    '/api/log-level',
    {
      schema: {
        operationId: 'setLogLevel',
        tags: ['status'],
        summary: 'Log more or less from now on, in this process and until it ends; null goes back to the settings.',
        body,
        response,
      },
    },
    async (request) => {
      log.change(request.body.level ?? log.configured, actorOf(request));
      return shown();
    },
  );
}

import { z } from 'zod';
import { ZonekeeperError } from '../errors.ts';
import { PLANS } from './plan.ts';
import { MAX_RATE } from './rate-limit.ts';
import { TOKEN_STATUSES } from './tokens.ts';
import { OPERATIONS } from './traffic.ts';
import { ZONE_STATUSES } from './zone.ts';

const record = z.record(z.string(), z.unknown());
const ms = z.number().min(0).max(86_400_000);
const status = z.number().int().min(200).max(599);
const code = z.number().int();
const count = z.number().int().min(0);

const zone = z.strictObject({
  name: z.string(),
  plan: z.enum(PLANS).optional(),
  quota: count.optional(),
  status: z.enum(ZONE_STATUSES).optional(),
  paused: z.boolean().optional(),
  id: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
  records: z.array(record).optional(),
});

const selector = {
  name: z.string(),
  type: z.string().optional(),
  content: z.string().optional(),
  id: z.string().optional(),
};

const effect = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('status'), status, code: code.optional(), message: z.string().optional() }),
  z.strictObject({ kind: z.literal('html'), status }),
  z.strictObject({ kind: z.literal('reset') }),
  z.strictObject({ kind: z.literal('lost'), applied: z.boolean() }),
  z.strictObject({ kind: z.literal('hang'), applied: z.boolean().optional() }),
  z.strictObject({ kind: z.literal('delay'), ms }),
  z.strictObject({ kind: z.literal('slow'), ms }),
  z.strictObject({ kind: z.literal('truncated'), aborted: z.boolean().optional() }),
  z.strictObject({ kind: z.literal('limited'), seconds: count.nullable().optional(), code: code.optional() }),
  z.strictObject({ kind: z.literal('stale'), writes: z.number().int().min(1) }),
  z.strictObject({
    kind: z.literal('refuse'),
    code,
    message: z.string().optional(),
    status: status.optional(),
    name: z.string().optional(),
    content: z.string().optional(),
    type: z.string().optional(),
    chained: z.boolean().optional(),
    pointer: z.boolean().optional(),
  }),
]);

const operation = z.enum(OPERATIONS);
const token = z.strictObject({
  token: z.string().min(1),
  status: z.enum(TOKEN_STATUSES).optional(),
  access: z.enum(['edit', 'read']).optional(),
  zones: z.array(z.string()).optional(),
});

/** The bodies of the control routes. */
export const BODIES = {
  seed: z.strictObject({ zones: z.array(zone) }),
  record,
  edit: z.strictObject({ ...selector, set: record }),
  fault: z.strictObject({
    operation: z.union([operation, z.array(operation)]).optional(),
    method: z.string().optional(),
    path: z.string().max(500).optional(),
    zone: z.string().optional(),
    count: count.optional(),
    after: count.optional(),
    probability: z.number().min(0).max(1).optional(),
    effect,
  }),
  tokens: z.strictObject({ tokens: z.array(token).nullable() }),
  token,
  settings: z.strictObject({
    latency_ms: ms.optional(),
    rate_limit: z
      .strictObject({
        requests: z.number().int().min(1).max(MAX_RATE).optional(),
        window_ms: z.number().int().min(1).max(86_400_000).optional(),
        kind: z.enum(['sliding', 'fixed']).optional(),
        block_ms: ms.optional(),
      })
      .nullable()
      .optional(),
    rate_limit_headers: z.boolean().optional(),
  }),
} as const;

/** A body that fits its schema. Throws ZonekeeperError `bad_request` that says where it does not. */
export function checked<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new ZonekeeperError('bad_request', z.prettifyError(result.error).replaceAll(/\s*\n\s*/g, ' '));
}

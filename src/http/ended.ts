import type { FastifyRequest } from 'fastify';
import { ZonekeeperError } from '../errors.ts';
import type { Operation } from '../ledger/operations.ts';
import { codeOr } from './problem.ts';
import type { Services } from './services.ts';

/** Waits until the operation has ended or the client has gone; throws what the operation failed with. */
export async function ended(services: Services, id: string, request: FastifyRequest): Promise<Operation> {
  const gone = new AbortController();
  const abort = () => gone.abort(new ZonekeeperError('timeout', 'The client went away.'));
  request.raw.socket.once('close', abort);
  try {
    const operation = await services.operations.ended(id, gone.signal);
    if (operation.error === null) return operation;
    const { code, message, facts } = operation.error;
    throw new ZonekeeperError(codeOr(code, 'internal'), message, { facts: { ...facts, operation_id: id } });
  } finally {
    request.raw.socket.off('close', abort);
  }
}

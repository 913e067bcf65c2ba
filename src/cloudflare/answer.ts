import type { ActualRecord } from '../dns/record.ts';
import { field } from './messages.ts';
import type { Zone } from './port.ts';
import { normalHost, toActualRecords } from './record.ts';

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Nothing comes after it. */
  readonly last: boolean;
}

/** A batch may carry so many operations by the plan of the zone, or as many as the setting says. */
export type BatchLimit = number | 'auto';

const FREE = { batchLimit: 200, commentLimit: 100 };
const PAID = { batchLimit: 3_500, commentLimit: 500 };
/** Plans that are paid for, those of resellers (`partners_pro`) included. There are free ones beside `free`: `lite`, `partners_free`. */
const PAID_PLAN = /(?:^|_)(?:pro|pro_plus|business|enterprise)$/;

/** A page of records; null when it is not one. */
export function recordsPage(body: unknown, perPage: number): Page<ActualRecord> | null {
  const list = wholeList(body);
  const items = list === null ? null : toActualRecords(list);
  return list === null || items === null ? null : { items, last: isLast(body, list.length, perPage) };
}

/** A page of zones; null when it is not one. */
export function zonesPage(body: unknown, perPage: number, limit: BatchLimit): Page<Zone> | null {
  const list = wholeList(body);
  if (list === null) return null;
  const items = list.flatMap((item: unknown) => toZone(item, limit) ?? []);
  return items.length < list.length ? null : { items, last: isLast(body, list.length, perPage) };
}

/** The list of a page; null when there is none, when it is shorter than the only page can be, or empty though others follow. */
function wholeList(body: unknown): readonly unknown[] | null {
  const list = field(body, 'result');
  if (!Array.isArray(list)) return null;
  const info = field(body, 'result_info');
  const pages = field(info, 'total_pages');
  const total = field(info, 'total_count');
  const page = field(info, 'page');
  if (list.length === 0 && typeof page === 'number' && typeof pages === 'number' && page < pages) return null;
  const onlyPage = list.length === 0 ? page === 1 : typeof pages === 'number' && pages <= 1;
  return onlyPage && typeof total === 'number' && list.length < total ? null : list;
}

/**
 * Where `result_info` tells how many pages there are, it decides; else a page that is not full is the last one. A server may
 * give fewer than was asked for per page: then its own number is what makes a page full.
 */
function isLast(body: unknown, count: number, asked: number): boolean {
  if (count === 0) return true;
  const info = field(body, 'result_info');
  const page = field(info, 'page');
  const pages = field(info, 'total_pages');
  if (typeof page === 'number' && typeof pages === 'number') return page >= pages;
  const perPage = field(info, 'per_page');
  return count < (typeof perPage === 'number' && perPage > 0 ? Math.min(perPage, asked) : asked);
}

function toZone(item: unknown, limit: BatchLimit): Zone | null {
  const id = field(item, 'id');
  const name = field(item, 'name');
  if (typeof id !== 'string' || !/^[\w-]{1,64}$/.test(id) || typeof name !== 'string' || name === '') return null;
  const plan = field(field(item, 'plan'), 'legacy_id');
  // A plan that we do not know may well be a small one.
  const limits = typeof plan === 'string' && PAID_PLAN.test(plan) ? PAID : FREE;
  return {
    id,
    name: normalHost(name),
    batchLimit: limit === 'auto' ? limits.batchLimit : limit,
    commentLimit: limits.commentLimit,
    paused: field(item, 'paused') === true,
  };
}

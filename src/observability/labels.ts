/**
 * The values that labels may have. They repeat words of `dns` and `reconcile`, which lie above this folder; a test holds
 * the two together. No label carries a FQDN: their number has no bound.
 */
export const METRIC_STATES = ['in_sync', 'missing', 'modified', 'orphaned', 'conflict', 'blocked', 'failed'] as const;
export type MetricState = (typeof METRIC_STATES)[number];

export const METRIC_DRIFTS = ['missing', 'modified', 'orphaned'] as const;
export type MetricDrift = (typeof METRIC_DRIFTS)[number];

export const METRIC_ACTIONS = ['create', 'update', 'delete'] as const;
export type MetricAction = (typeof METRIC_ACTIONS)[number];

export const METRIC_CHANGE_RESULTS = ['done', 'held', 'refused', 'unknown', 'deferred'] as const;
export type MetricChangeResult = (typeof METRIC_CHANGE_RESULTS)[number];

export const METRIC_TRIGGERS = ['resync', 'start', 'drift', 'change', 'sync', 'adopt', 'delete'] as const;
export type MetricTrigger = (typeof METRIC_TRIGGERS)[number];

/** Kinds of operations that people ask for. */
export const METRIC_OPERATIONS = ['sync', 'plan', 'delete', 'adopt'] as const;
export type MetricOperation = (typeof METRIC_OPERATIONS)[number];

export const METRIC_OPERATION_RESULTS = ['done', 'failed'] as const;
export type MetricOperationResult = (typeof METRIC_OPERATION_RESULTS)[number];

export const METRIC_CALLS = ['zones', 'list', 'lookup', 'batch'] as const;
export type MetricCall = (typeof METRIC_CALLS)[number];

/** How runs end, as controller-runtime names it. */
export const METRIC_RUN_RESULTS = ['success', 'requeue_after', 'requeue', 'error'] as const;
export type MetricRunResult = (typeof METRIC_RUN_RESULTS)[number];

/** The queue's priorities by their number. */
export const METRIC_PRIORITIES = ['check', 'retry', 'event', 'person'] as const;
export type MetricPriority = (typeof METRIC_PRIORITIES)[number];

/** What connections of the pool do. */
export const METRIC_CONNECTIONS = ['busy', 'idle'] as const;
export type MetricConnection = (typeof METRIC_CONNECTIONS)[number];

/** What names come from. */
export type MetricSource = 'postgres';

/** A call's answer: the HTTP status, or what kept us from one. */
export type MetricCode = string;

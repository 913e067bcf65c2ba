/** Severities of the log, the gravest first. In a file of its own: the page's types are made of this, too, and know no Node. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

import type { ApiFailure } from './failure.ts';
import type { Page } from './list.ts';

/** An answer of the API before it is sent. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  /** First error code; null for a success. */
  readonly code: number | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** `application/json` by default. */
  readonly type?: string;
}

/** Success with a result that is JSON already, so that kept JSON of records is not parsed and written again. */
export function success(resultJson: string, messages = '[]'): Answer {
  return {
    status: 200,
    code: null,
    body: `{"result":${resultJson},"success":true,"errors":[],"messages":${messages}}`,
  };
}

/** One page of a list of things that have their JSON. */
export function pageAnswer({ items, page, perPage, total }: Page<{ readonly json: string }>): Answer {
  const info = JSON.stringify({
    page,
    per_page: perPage,
    count: items.length,
    total_count: total,
    total_pages: Math.ceil(total / perPage),
  });
  const result = items.map(({ json }) => json).join(',');
  return {
    status: 200,
    code: null,
    body: `{"result":[${result}],"success":true,"errors":[],"messages":[],"result_info":${info}}`,
  };
}

export function failureAnswer(failure: ApiFailure): Answer {
  const body = JSON.stringify({ result: null, success: false, errors: failure.errors, messages: [] });
  return { status: failure.status, code: failure.errors[0]?.code ?? null, body };
}

/** 429 as the API answers it; `retryAfter` in seconds, null without the header. */
export function limitedAnswer(retryAfter: number | null, code = 10100, text?: string): Answer {
  const message = text ?? 'Rate limited. Please wait and consider throttling your request speed.';
  const body = JSON.stringify({ result: null, success: false, errors: [{ code, message }], messages: [] });
  return { status: 429, code, body, headers: retryAfter === null ? {} : { 'retry-after': String(retryAfter) } };
}

/** An error page of the edge, where JSON was expected. */
export function htmlAnswer(status: number): Answer {
  const title = `${status}: Error from the edge`;
  const body = `<!DOCTYPE html>\n<html>\n<head><title>${title}</title></head>\n<body><h1>${title}</h1></body>\n</html>\n`;
  return { status, code: null, body, type: 'text/html; charset=UTF-8' };
}

import type { ListQuery } from './api.ts';
import { type NameState, STATES } from './types.ts';

/** What the page shows, as its address says it: can be sent to a colleague. */
export interface View extends ListQuery {
  /** The name whose details are open; empty for none. */
  readonly name: string;
}

/** Reads the view from the query of an address; what is not known there is left out. */
export function viewOf(params: URLSearchParams): View {
  const known = new Set<string>(STATES);
  return {
    states: (params.get('state') ?? '').split(',').filter((state): state is NameState => known.has(state)),
    q: (params.get('q') ?? '').slice(0, 255),
    zone: (params.get('zone') ?? zoneOfDashboard(params)).slice(0, 255),
    descending: params.get('order') === 'desc',
    name: (params.get('name') ?? '').slice(0, 255),
  };
}

/** The zone that a Grafana dashboard has chosen, which its links write as `var-zone`; empty for all of them, or for several. */
function zoneOfDashboard(params: URLSearchParams): string {
  const chosen = params.getAll('var-zone');
  const [only = ''] = chosen;
  return chosen.length === 1 && !['All', '$__all', '.*'].includes(only) ? only : '';
}

/** The query of the address that shows this view; empty for the plain page. */
export function queryOf(view: View): string {
  const params = new URLSearchParams();
  if (view.states.length > 0) params.set('state', view.states.join(','));
  if (view.q !== '') params.set('q', view.q);
  if (view.zone !== '') params.set('zone', view.zone);
  if (view.descending) params.set('order', 'desc');
  if (view.name !== '') params.set('name', view.name);
  const query = params.toString();
  return query === '' ? '' : `?${query}`;
}

/** Do two views list the same names? */
export const sameList = (a: View, b: View): boolean => queryOf({ ...a, name: '' }) === queryOf({ ...b, name: '' });

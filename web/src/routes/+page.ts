import { redirect } from '@sveltejs/kit';

/** The names are the page that people come for. */
export function load({ url }: { url: URL }) {
  redirect(307, `/dns${url.search}`);
}

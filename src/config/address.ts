import { isIPv4, isIPv6 } from 'node:net';
import { bad, good, type ValueType } from './value.ts';

/** Where to listen. */
export interface ListenAddress {
  /** Address or host name without brackets; the empty string stands for all interfaces. */
  readonly host: string;
  /** 0 lets the system choose one. */
  readonly port: number;
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i;

/** `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, `:8080` (all interfaces). */
export const listenAddress: ValueType<ListenAddress> = {
  kind: 'address',
  parse: (text) => {
    const address = parseListen(text);
    return address === null
      ? bad('is not an address to listen on; write one like 127.0.0.1:8080 or :8080')
      : good(address);
  },
};

/** The parts of a listen address; null when it is none. */
export function parseListen(text: string): ListenAddress | null {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const [, bracketed, plain = '', digits] = match;
  const port = Number(digits);
  if (port > 65_535) return null;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : null;
  if (plain === '') return { host: '', port };
  // All digits and dots is an address or a mistake, never a name.
  const valid = /^[\d.]+$/.test(plain) ? isIPv4(plain) : HOST_NAME.test(plain);
  return valid ? { host: plain, port } : null;
}

/** As it is written in settings and URLs. */
export function listenText({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Can only this machine reach it? A name other than localhost may lead anywhere, so it does not count. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  if (isIPv4(name)) return name.startsWith('127.');
  return name === 'localhost' || (isIPv6(name) && /^(0*:)*:?0*1$/.test(name));
}

/** A base URL over HTTP without credentials, query or fragment; without its trailing slash. */
export const httpUrl: ValueType<string> = {
  kind: 'url',
  parse: (text) => {
    if (!URL.canParse(text)) return bad('is not a URL; write one like https://api.example.com/client/v4');
    const url = new URL(text);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return bad('must be an http or https URL');
    if (url.username !== '' || url.password !== '') return bad('must not carry a user or password');
    if (url.search !== '' || url.hash !== '') return bad('must not have a query or a fragment');
    return good(url.href.replace(/\/+$/, ''));
  },
};

/** A PostgreSQL connection URL. What it holds beyond the scheme is the driver's business, and never shown. */
export const postgresUrl: ValueType<string> = {
  kind: 'postgres url',
  parse: (text) => {
    // The driver also takes an empty host behind the credentials (the local socket), which is no URL by the standard.
    if (!/^postgres(?:ql)?:\/\//.test(text) || !URL.canParse(text.replace('@/', '@localhost/'))) {
      return bad('is not a PostgreSQL URL; write one like postgres://user:password@host:5432/database');
    }
    return good(text);
  },
};

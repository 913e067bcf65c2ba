import type { RecordSpec } from '../../src/dns/record.ts';
import type { RecordInput } from '../../src/simulator/simulator.ts';
import { type Consumer, consumerKey, type Settings, type Tables } from './tables.ts';

/** Kinds of targets by the number that a strike draws, 0 to 199: most are an IPv4 address. */
const [FROM_IPV6, FROM_HOST, FROM_PAIR] = [160, 172, 186];
/** The same of foreign records. */
const [FROM_TTL, FROM_SIX, FROM_ALIAS, FROM_TEXT, FROM_EQUAL] = [80, 90, 110, 125, 140];
const NOT_A_TARGET = 'not an address!';
/** Of an instance without a domain of its own, the settings say it: one of these two. */
const DOMAINS = ['example.com', 'example.org'] as const;
/** Instances that have no domain of their own. */
const OF_THE_SETTINGS = 5;

/** What people do with the application. */
export interface Wish {
  readonly kind: 'want' | 'unwant' | 'remove' | 'retarget' | 'broken target' | 'rename' | 'rival' | 'rival goes';
  readonly n: number;
  readonly m: number;
}

/** What they change for all at once. */
export interface SettingsChange {
  readonly n: number;
  /** The target where it is not said. */
  readonly what?: 'ttl' | 'proxied' | 'domain';
}

/** Makes it so; returns the consumers that changed. `nameOf` gives the name of a number. */
export function wish(tables: Tables, { kind, n, m }: Wish, nameOf: (n: number) => string): Consumer[] {
  const { consumers } = tables;
  // A rival is another consumer of the same name.
  const second = kind === 'rival' || kind === 'rival goes';
  const ref = second
    ? ({ kind: 'standalone_proxy', id: `r${n}` } as const)
    : ({ kind: 'instance', id: `${n}` } as const);
  const key = consumerKey(ref);
  let consumer = consumers.get(key);
  if (consumer === undefined && (kind === 'want' || kind === 'rival')) {
    const target = second ? targetOf(m) : null;
    consumer = { ...ref, fqdn: nameOf(n), since: tables.now(), active: true, target };
    consumers.set(key, consumer);
  }
  if (consumer === undefined) return [];
  if (kind === 'want' || kind === 'rival') consumer.active = true;
  else if (kind === 'unwant') consumer.active = false;
  else if (kind === 'retarget') consumer.target = targetOf(m);
  else if (kind === 'broken target') consumer.target = NOT_A_TARGET;
  else if (kind === 'rename') consumer.fqdn = nameOf(m % 10);
  else consumers.delete(key);
  return [consumer];
}

/** Changes a setting; returns the consumers that are different because of it. */
export function change(tables: Tables, { n, what }: SettingsChange): Consumer[] {
  const { settings } = tables;
  const all = [...tables.consumers.values()];
  if (what === 'ttl') settings.ttl = n % 2 === 0 ? 1 : 120;
  else if (what === 'proxied') settings.proxied = n % 2 === 1;
  else if (what === 'domain') {
    const from = settings.domain;
    settings.domain = from === DOMAINS[0] ? DOMAINS[1] : DOMAINS[0];
    const moved = all.filter(({ id, fqdn }) => Number(id) < OF_THE_SETTINGS && fqdn === `n${id}.${from}`);
    for (const consumer of moved) consumer.fqdn = `n${consumer.id}.${settings.domain}`;
    return moved;
  } else settings.target = `192.0.2.${n + 1}`;
  return all;
}

/** What the view says that a consumer points at: one row each. */
export function contentsOf({ target }: Consumer, settings: Settings): readonly string[] {
  return target === NOT_A_TARGET ? [target] : (target ?? settings.target).split(' ');
}

/** What a name should hold. */
export interface Wanted {
  /** Null when that cannot be served. */
  readonly records: readonly RecordSpec[] | null;
  /** Somebody else wants something else for it, and is not served. */
  readonly contested: boolean;
}

/** Names that consumers want now. */
export function namesWanted({ consumers }: Tables): Set<string> {
  const names = new Set<string>();
  for (const { active, fqdn } of consumers.values()) if (active) names.add(fqdn);
  return names;
}

/** What consumers want now, by name: of several, the one that has been there for longest is served. */
export function wantedNow({ consumers, settings }: Tables): Map<string, Wanted> {
  const active = [...consumers.values()].filter((consumer) => consumer.active).sort(older);
  const wanted = new Map<string, Wanted>();
  for (const [fqdn, [first, ...others]] of Map.groupBy(active, (consumer) => consumer.fqdn)) {
    if (first === undefined) continue;
    const contents = contentsOf(first, settings);
    const records = contents.map((content) => {
      const type = content.includes(':') ? 'AAAA' : /^[\d.]+$/.test(content) ? 'A' : 'CNAME';
      return { type, content, ttl: settings.proxied ? 1 : settings.ttl, proxied: settings.proxied } as const;
    });
    const same = (other: Consumer) => contentsOf(other, settings).toSorted().join() === contents.toSorted().join();
    wanted.set(fqdn, {
      records: contents[0] === NOT_A_TARGET || fqdn.endsWith('.net') ? null : records,
      contested: others.some((other) => other.target === NOT_A_TARGET || !same(other)),
    });
  }
  return wanted;
}

/** A record that somebody adds by hand, by the number that a strike draws: mostly in the way of what is wanted. */
export function foreignOf(m: number, wanted: Wanted | undefined): Omit<RecordInput, 'name'> {
  const [spec] = wanted?.records ?? [];
  if (m >= FROM_EQUAL && spec !== undefined) return { ...spec };
  if (m >= FROM_TEXT) return { type: 'TXT', content: `"note ${m}"`, ttl: 300 };
  if (m >= FROM_ALIAS) return { type: 'CNAME', content: `own${m}.elsewhere.net`, ttl: 300 };
  if (m >= FROM_SIX) return { type: 'AAAA', content: `2001:db8:1::${m}`, ttl: 300 };
  // Some differ from what is wanted in nothing but how long it may be kept.
  if (m >= FROM_TTL && spec !== undefined) return { ...spec, ttl: 300, proxied: false };
  return { type: 'A', content: `203.0.113.${m + 1}`, ttl: 300 };
}

function older(a: Consumer, b: Consumer): number {
  // What was added in one moment is told apart by its kind, then by its id.
  return a.since - b.since || (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : a.id < b.id ? -1 : 1);
}

function targetOf(m: number): string {
  const address = `198.51.100.${m + 1}`;
  if (m < FROM_IPV6) return address;
  if (m < FROM_HOST) return `2001:db8::${m}`;
  if (m < FROM_PAIR) return `edge${m}.elsewhere.net`;
  return `${address} 198.51.100.${m - 99}`;
}

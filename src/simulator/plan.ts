/** The plans a zone can have, by their `legacy_id`. */
export const PLANS = ['free', 'pro', 'business', 'enterprise'] as const;
export type PlanName = (typeof PLANS)[number];

/** What a plan allows. */
export interface Plan {
  readonly legacyId: PlanName;
  readonly id: string;
  readonly name: string;
  /** US dollars a month. */
  readonly price: number;
  /** Records in a zone. developers.cloudflare.com/dns/manage-dns-records/#dns-records-quota */
  readonly records: number;
  /** Operations in a batch. developers.cloudflare.com/dns/manage-dns-records/how-to/batch-record-changes/ */
  readonly batch: number;
  /** Characters of a comment. developers.cloudflare.com/dns/manage-dns-records/reference/record-attributes/ */
  readonly comment: number;
  /** Tags of a record (same page). */
  readonly tags: number;
  /** Smallest ttl beside 1, seconds. developers.cloudflare.com/dns/manage-dns-records/reference/ttl/ */
  readonly minTtl: number;
}

const PAID = { records: 3_500, batch: 3_500, comment: 500, tags: 20, minTtl: 60 } as const;

const BY_NAME: Readonly<Record<PlanName, Plan>> = {
  free: {
    legacyId: 'free',
    id: '0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee',
    name: 'Free Website',
    price: 0,
    records: 200,
    batch: 200,
    comment: 100,
    tags: 0,
    minTtl: 60,
  },
  pro: { legacyId: 'pro', id: '1feeeeeeeeeeeeeeeeeeeeeeeeeeeeee', name: 'Pro Website', price: 25, ...PAID },
  business: {
    legacyId: 'business',
    id: '2feeeeeeeeeeeeeeeeeeeeeeeeeeeeee',
    name: 'Business Website',
    price: 250,
    ...PAID,
  },
  enterprise: {
    legacyId: 'enterprise',
    id: '94f3b7b768b0458b56d2cac4fe5ec0f9',
    name: 'Enterprise Website',
    price: 0,
    ...PAID,
    records: 1_000_000,
    minTtl: 30,
  },
};

/** What the plan of this name allows. */
export function planOf(name: PlanName): Plan {
  return BY_NAME[name];
}

import { UsageError } from '../support/words.ts';
import { isStrike, type Plan, type Strike } from './plan.ts';

/** A plan and the seed of its interleaving: what fails the same way each time. */
export interface Saved {
  readonly seed: number;
  readonly plan: Plan;
}

/** The lines that say it: everything but the strikes, then one strike a line, so that a person can take one out. */
export function linesOf({ seed, plan }: Saved): string[] {
  const { strikes, ...rest } = plan;
  return [{ seed, ...rest }, ...strikes].map((part) => JSON.stringify(part));
}

/** Reads such lines; whatever else stands between them (a story, a verdict) is left out. Throws {@link UsageError} where there is no plan. */
export function savedIn(text: string): Saved {
  const [first, ...strikes] = text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): unknown => {
      try {
        return JSON.parse(line);
      } catch {
        throw new UsageError(`This line of the plan is not JSON: ${line.slice(0, 80)}`);
      }
    });
  const { seed, ...rest } = (first ?? {}) as { readonly seed?: unknown } & Omit<Plan, 'strikes'>;
  if (typeof seed !== 'number' || typeof rest.lastsMs !== 'number' || typeof rest.daemons !== 'number') {
    throw new UsageError('There is no plan: its first line is an object with a seed, as --reduce prints it.');
  }
  const wrong = strikes.find((strike) => !isStrike(strike));
  if (wrong !== undefined) throw new UsageError(`This is no strike: ${JSON.stringify(wrong).slice(0, 120)}`);
  return { seed, plan: { ...rest, strikes: strikes as Strike[] } };
}

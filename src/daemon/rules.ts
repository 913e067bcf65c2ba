import type { Settings } from '../config/schema.ts';
import { PatternList } from '../dns/pattern.ts';
import { type DesiredRules, outsideProblem, resolveDesired } from '../dns/resolve.ts';
import { TargetAllowList } from '../dns/target.ts';
import { ZonekeeperError } from '../errors.ts';
import type { Rules } from '../reconcile/rules.ts';

/** The rules of the configuration, ready for use. Throws `config_invalid` for a pattern or target that is none. */
export function rulesOf(config: Settings): Rules {
  const rules: DesiredRules = {
    names: parsed('ZONEKEEPER_NAMES', () => (config.names === null ? null : new PatternList(config.names))),
    ignore: parsed('ZONEKEEPER_IGNORE', () => new PatternList(config.ignore ?? [])),
    targets: parsed('ZONEKEEPER_TARGETS', () => new TargetAllowList(config.targets)),
  };
  return {
    resolve: (fqdn, rows) => resolveDesired(fqdn, rows, rules),
    outside: (fqdn) => outsideProblem(fqdn, rules),
    allowApex: config.allowApex,
    allowWildcard: config.allowWildcard,
    policy: config.policy,
    dryRun: config.dryRun,
    deleteGraceMs: config.deleteGraceMs,
    ownerId: config.ownerId,
  };
}

function parsed<T>(env: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const problem = `${env}: ${error instanceof Error ? error.message : String(error)}`;
    throw new ZonekeeperError('config_invalid', problem, { facts: { problems: [problem] } });
  }
}

import type { Command, OwnFlag, Positional } from './command.ts';

const FQDN: Positional = { name: 'fqdn', doc: 'The name, such as app.example.com.', required: true, many: false };
const FQDNS: Positional = { name: 'fqdn', doc: 'Only these names.', required: false, many: true };
const YES: OwnFlag = { name: 'yes', value: null, doc: 'Do not ask.' };

/** Every command, in the order of the help text. Their code is loaded only when they run. */
export const COMMAND_TABLE: readonly Command[] = [
  {
    name: 'run',
    summary: 'Run the daemon',
    description: `Keeps the DNS records at Cloudflare equal to what PostgreSQL says, until it is stopped. Serves the HTTP API,
the page, probes and metrics. Of several daemons on one database one leads and the others stand by.

The first SIGTERM or SIGINT stops it gracefully, the second at once.`,
    examples: [
      { line: 'zonekeeper run', does: 'with settings from the environment' },
      { line: 'zonekeeper run --config /etc/zonekeeper.yaml --dry-run', does: 'decides and reports, changes nothing' },
    ],
    positionals: [],
    flags: [],
    json: false,
    graceful: true,
    load: () => import('./run.ts'),
  },
  {
    name: 'plan',
    summary: 'Show what a sync would do',
    description: `Looks at Cloudflare and the database and prints the changes that a sync would make, with their reasons.
Changes nothing. Exits with 0 when there is nothing to do, with 2 when changes are pending.`,
    examples: [
      { line: 'zonekeeper plan', does: 'for all names' },
      { line: 'zonekeeper plan app.example.com --json', does: 'for one name, for a script' },
    ],
    positionals: [FQDNS],
    flags: [],
    json: true,
    graceful: true,
    load: () => import('./plan.ts'),
  },
  {
    name: 'sync',
    summary: 'Make everything as desired now, and print the report',
    description: `Refreshes what is known of Cloudflare, makes every name (or those given) as desired, and prints what was done.
Goes through the leading daemon where there is one, and does the work itself otherwise.`,
    examples: [
      { line: 'zonekeeper sync', does: 'all names' },
      { line: 'zonekeeper sync --dry-run', does: 'only the report' },
      { line: 'zonekeeper sync --confirm 3f9c2a…', does: 'releases the deletions of a plan that the guard holds' },
    ],
    positionals: [FQDNS],
    flags: [{ name: 'confirm', value: 'HASH', doc: 'Release the held deletions of the plan with this hash.' }],
    json: true,
    graceful: true,
    load: () => import('./sync.ts'),
  },
  {
    name: 'records',
    summary: 'List names with their state',
    description: 'Prints the names that are managed: desired, actual, state and reason, as the daemon last saw them.',
    examples: [
      { line: 'zonekeeper records', does: 'all' },
      { line: 'zonekeeper records --state conflict,failed', does: 'what needs attention' },
      { line: 'zonekeeper records app.example.com', does: 'one name with its history' },
    ],
    positionals: [{ ...FQDNS, doc: 'One name, with its history.', many: false }],
    flags: [
      {
        name: 'state',
        value: 'STATE,…',
        doc: 'in_sync, missing, modified, orphaned, conflict, blocked or failed; several separated by commas.',
      },
      { name: 'zone', value: 'ZONE', doc: 'Only names of this zone.' },
      { name: 'search', value: 'TEXT', doc: 'Only names that contain this text.' },
      { name: 'limit', value: 'N', doc: 'At most so many lines (default: all).' },
    ],
    json: true,
    graceful: false,
    load: () => import('./records.ts'),
  },
  {
    name: 'delete',
    summary: 'Delete the record of a name, at Cloudflare and here',
    description: `Deletes a tracked record. Refuses while a consumer still wants the name; with --force it is deleted all the
same, and will return with the next look. A foreign record is never deleted.`,
    examples: [{ line: 'zonekeeper delete old.example.com', does: 'asks, then deletes' }],
    positionals: [FQDN],
    flags: [{ name: 'force', value: null, doc: 'Also while a consumer wants the name.' }, YES],
    json: true,
    graceful: true,
    load: () => import('./delete.ts'),
  },
  {
    name: 'adopt',
    summary: 'Take over a foreign record',
    description: `Makes a record that somebody else created ours: from then on it is kept as desired, and deleted when no consumer
wants the name any more.`,
    examples: [{ line: 'zonekeeper adopt app.example.com', does: 'asks, then takes the record over' }],
    positionals: [FQDN],
    flags: [YES],
    json: true,
    graceful: true,
    load: () => import('./adopt.ts'),
  },
  {
    name: 'migrate',
    summary: 'Prepare the database, or bring it to this version',
    description: `Creates or upgrades our own tables, the view of desired records and the triggers; creates the consumer tables
where they do not exist. Any number of processes may do it at once. Keeps the older version working meanwhile.`,
    examples: [
      { line: 'zonekeeper migrate', does: 'migrates' },
      { line: 'zonekeeper migrate --check', does: 'exits with 2 when there is something to migrate' },
    ],
    positionals: [],
    flags: [{ name: 'check', value: null, doc: 'Change nothing; exit with 2 when there is something to do.' }],
    json: true,
    graceful: false,
    load: () => import('./migrate.ts'),
  },
  {
    name: 'demo',
    summary: 'Try it out: database, simulated Cloudflare, sample consumers, page',
    description: `Starts a PostgreSQL of its own, a simulator of Cloudflare's DNS API, sample consumers and the daemon with its page.
Needs no account, no network and no configuration; leaves nothing behind.`,
    examples: [
      { line: 'zonekeeper demo', does: 'until Ctrl-C' },
      { line: 'zonekeeper demo --check', does: "plays the demo's story unattended; exits with 0 or 1" },
    ],
    positionals: [],
    flags: [{ name: 'check', value: null, doc: 'Play the story unattended, check every step, and exit.' }],
    json: false,
    graceful: true,
    load: () => import('./demo.ts'),
  },
  {
    name: 'simulate',
    summary: "Run the simulator of Cloudflare's DNS API alone",
    description: `Serves a faithful local copy of the part of Cloudflare's API that Zonekeeper uses, with its limits and errors, and
a control address to look into it and to make trouble. Everything is in memory.`,
    examples: [
      { line: 'zonekeeper simulate --zones example.com,example.org', does: 'with two zones' },
      { line: 'zonekeeper simulate --latency 150ms --plan pro', does: 'slower, and with batches of 3,500' },
    ],
    positionals: [],
    flags: [
      { name: 'listen', value: 'ADDRESS', doc: 'Address to listen on (default: 127.0.0.1:8799).' },
      { name: 'zones', value: 'ZONE,…', doc: 'Zones that exist at the start (default: example.com).' },
      { name: 'plan', value: 'PLAN', doc: "The zones' plan: free, pro, business or enterprise (default: free)." },
      { name: 'latency', value: 'DURATION', doc: 'Time that each answer takes (default: 0ms).' },
      { name: 'no-rate-limit', value: null, doc: 'Never answer 429.' },
    ],
    json: true,
    graceful: true,
    load: () => import('./simulate.ts'),
  },
  {
    name: 'health',
    summary: 'Ask the daemon on this machine how it is',
    description: `Asks the daemon that listens at ZONEKEEPER_LISTEN whether it is alive (or, with --ready, whether it can do its
work) and prints its checks. Exits with 0 or 1. This is the health check of the container image.`,
    examples: [
      { line: 'zonekeeper health', does: 'is the process alive?' },
      { line: 'zonekeeper health --ready', does: 'does it reach PostgreSQL and Cloudflare, too?' },
    ],
    positionals: [],
    flags: [{ name: 'ready', value: null, doc: 'Ask /readyz instead of /livez.' }],
    json: false,
    graceful: false,
    load: () => import('./health.ts'),
  },
  {
    name: 'config',
    summary: 'Show the effective settings and where they come from',
    description: `Prints every setting with its value and its origin; secrets are shown as (set). Exits with 78 when something is
wrong, and says what.`,
    examples: [
      { line: 'zonekeeper config', does: 'all settings' },
      { line: 'zonekeeper config --for run', does: 'also checks what `run` needs' },
    ],
    positionals: [],
    flags: [{ name: 'for', value: 'COMMAND', doc: 'Also check that everything is set that this command needs.' }],
    json: true,
    graceful: false,
    load: () => import('./config.ts'),
  },
];

import { sleep, systemClock } from '../controller/clock.ts';
import { STORY } from '../demo/story.ts';
import { startWorld, type World, ZONE } from '../demo/world.ts';
import type { CommandContext } from './command.ts';
import { EXIT } from './exit.ts';
import { aborted } from './run.ts';

/** How somebody calls a command: from a checkout, or from the npm package. */
const CALL = import.meta.url.endsWith('.ts') ? 'npm run zonekeeper --' : 'npx zonekeeper';
/** Between two chapters, so that somebody can read along. Milliseconds. */
const PAUSE_MS = 1_200;

/** The demo: tells its story, and goes on until Ctrl-C; with --check it plays it unattended. */
export default async function demo(context: CommandContext): Promise<number> {
  const config = await context.config('demo');
  const { stdout, signal, version, flags } = context;
  const check = flags.on('check');
  // The story is what is to be seen; --log-level=debug shows the daemon's lines beside it.
  const log = await context.log({ ...config, logLevel: config.logLevel === 'info' ? 'error' : config.logLevel });
  stdout.write('Zonekeeper demo: a PostgreSQL, a simulated Cloudflare and the daemon, all on this machine.\n\n');
  const began = performance.now();
  const world = await startWorld({ config, version, log: log.logger });
  try {
    await ready(world, signal);
    stdout.write(`Everything is up after ${((performance.now() - began) / 1000).toFixed(1)} s.\n\n`);
    const played = await play(context, world, check);
    if (check || signal.aborted) return played ? EXIT.ok : EXIT.error;
    stdout.write(invitation(world));
    await aborted(signal);
    return EXIT.ok;
  } finally {
    await world.stop();
    stdout.write('Everything is stopped, nothing is left behind.\n');
  }
}

async function play({ stdout, signal }: CommandContext, world: World, check: boolean): Promise<boolean> {
  let failed = 0;
  for (const [index, { title, play: tell }] of STORY.entries()) {
    if (signal.aborted) return false;
    stdout.write(`${index + 1}. ${title}\n`);
    try {
      for (const sentence of await tell(world)) stdout.write(`   ${sentence}\n`);
    } catch (error) {
      failed += 1;
      stdout.write(`   FAILED: ${error instanceof Error ? error.message : String(error)}\n`);
      if (check) break;
    }
    stdout.write('\n');
    if (!check) await sleep(systemClock, PAUSE_MS, signal).catch(() => undefined);
  }
  const done = failed === 0 ? STORY.length : STORY.length - 1;
  if (check)
    stdout.write(failed === 0 ? `All ${done} chapters went as they should.\n` : 'The story did not go as it should.\n');
  return failed === 0;
}

async function ready(world: World, signal: AbortSignal): Promise<void> {
  const limit = performance.now() + 30_000;
  while (!world.daemon.ready || !world.daemon.leading) {
    if (performance.now() > limit) throw new Error('The daemon did not become ready.');
    await sleep(systemClock, 5, signal);
  }
}

function invitation({ daemon, simulator, databaseUrl }: World): string {
  return `Look around:
  page      ${daemon.address}/
  names     ${daemon.address}/api/dns/records
  status    ${daemon.address}/api/status
  metrics   ${daemon.address}/metrics
  API       ${daemon.address}/openapi.json
  simulator ${simulator.origin}/

From a second terminal:
  export DATABASE_URL='${databaseUrl}'
  ${CALL} records
  ${CALL} records blog.${ZONE}
  ${CALL} adopt blog.${ZONE}
  psql "$DATABASE_URL" -c "INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('mine', 'running', 1)"
  curl -X PATCH ${simulator.origin}/_simulator/records -H 'content-type: application/json' -d '{"name": "git.${ZONE}", "set": {"content": "203.0.113.1"}}'
  curl -X POST ${daemon.address}/api/dns/sync

Ctrl-C ends everything.
`;
}

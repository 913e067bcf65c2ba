import { listenAddress } from '../config/address.ts';
import { duration } from '../config/amounts.ts';
import type { ValueType } from '../config/value.ts';
import { choice, list } from '../config/words.ts';
import { ZonekeeperError } from '../errors.ts';
import { PLANS } from '../simulator/plan.ts';
import { startSimulator } from '../simulator/simulator.ts';
import type { CommandContext, Flags } from './command.ts';
import { EXIT } from './exit.ts';

/** `zonekeeper simulate`: the simulator of Cloudflare's DNS API, until it is told to stop. */
export default async function simulate({ flags, json, signal, stdout }: CommandContext): Promise<number> {
  const problems: string[] = [];
  const read = reader(flags, problems);
  const { host, port } = read('listen', listenAddress, '127.0.0.1:8799', { host: '', port: 0 });
  const names = read('zones', list, 'example.com', []);
  const plan = read('plan', choice(PLANS), 'free', 'free');
  const latencyMs = read('latency', duration('0s', '1m'), '0s', 0);
  if (problems.length > 0) {
    throw new ZonekeeperError('usage', problems.join(' '), { facts: { problems, command: 'simulate' } });
  }
  const simulator = await startSimulator({
    host: host === '' ? '::' : host,
    port,
    zones: names.map((name) => ({ name, plan })),
    latencyMs,
    ...(flags.on('no-rate-limit') && { rateLimit: 'off' }),
  }).catch((error: unknown) => {
    throw cannotListen(error, `${host}:${port}`);
  });
  const { url, origin } = simulator;
  stdout.write(
    json
      ? `${JSON.stringify({ base_url: url, control_url: `${origin}/_simulator`, zones: names })}\n`
      : `The simulator runs: ${names.length} zones on the plan ${plan}. Any token will do.\n\n` +
          `  CLOUDFLARE_BASE_URL=${url}\n  control: ${origin}/\n\nCtrl-C ends it.\n`,
  );
  await stopped(signal);
  await simulator.close();
  return EXIT.ok;
}

/** Reads one flag by its type; notes what is wrong with it and goes on with `otherwise`. */
function reader(flags: Flags, problems: string[]) {
  return <T>(name: string, type: ValueType<T>, fallback: string, otherwise: T): T => {
    const parsed = type.parse(flags.text(name) ?? fallback);
    if (parsed.ok) return parsed.value;
    problems.push(`--${name} ${parsed.problem}.`);
    return otherwise;
  };
}

function cannotListen(error: unknown, address: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!/^E(ADDR|ACCES)/.test(code)) return error;
  return new ZonekeeperError('usage', `Cannot listen on ${address} (${code}).`, { facts: { command: 'simulate' } });
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

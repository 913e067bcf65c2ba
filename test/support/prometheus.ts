import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import { testFolder } from './folder.ts';
import { freePort } from './free-port.ts';
import { waitFor } from './wait.ts';

/** One series of an answer: its labels, its values in order, and when each was so, in seconds since 1970. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly times: readonly number[];
  readonly values: readonly number[];
}

/** A real Prometheus that scrapes and evaluates each second. */
export interface TestPrometheus {
  /** Over all that was scraped. Throws what Prometheus says of a query that it does not understand. */
  range(expr: string): Promise<Series[]>;
  now(expr: string): Promise<Series[]>;
  labelValues(label: string, match: string): Promise<string[]>;
  /** Names of the alerts that fire. */
  firing(): Promise<string[]>;
}

export interface PrometheusOptions {
  /** What is scraped, by the namespace of the installation: `{ dns: ['127.0.0.1:8080'] }`. */
  readonly targets: Readonly<Record<string, readonly string[]>>;
  /** A file of rules, as a text. */
  readonly rules: string;
}

/** Starts one; ended at the end of the test. */
export async function startPrometheus({ targets, rules }: PrometheusOptions): Promise<TestPrometheus> {
  const folder = testFolder();
  const port = await freePort();
  writeFileSync(join(folder, 'rules.yaml'), rules);
  const every = { scrape_interval: '1s', evaluation_interval: '1s', scrape_timeout: '1s' };
  const config = {
    global: every,
    rule_files: [join(folder, 'rules.yaml')],
    scrape_configs: [
      {
        job_name: 'zonekeeper',
        static_configs: Object.entries(targets).map(([namespace, of]) => ({
          targets: of,
          labels: { cluster: 'test', namespace },
        })),
      },
    ],
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const args = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${resolve(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=error',
  ];
  const child: ChildProcess = spawn('prometheus', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  onTestFinished(async () => {
    process.off('exit', kill);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    kill();
    await ended;
  });
  const started = Date.now() / 1_000;
  const ask = async <T>(path: string, query: Readonly<Record<string, string>>): Promise<T> => {
    const url = `http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(query)}`;
    const answer = (await (await fetch(url)).json()) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(`${query.query ?? path}: ${answer.error}`);
    return answer.data;
  };
  type Result = { result: { metric: Record<string, string>; value?: [number, string]; values?: [number, string][] }[] };
  const series = ({ result }: Result): Series[] =>
    result.map(({ metric, value, values }) => {
      const points = values ?? (value === undefined ? [] : [value]);
      return { metric, times: points.map(([time]) => time), values: points.map(([, text]) => Number(text)) };
    });
  await waitFor('Prometheus to be ready', async () => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok, 60_000);
  return {
    range: async (query) =>
      series(await ask('query_range', { query, start: String(started), end: String(Date.now() / 1_000), step: '1' })),
    now: async (query) => series(await ask('query', { query })),
    labelValues: (label, match) => ask(`label/${label}/values`, { 'match[]': match }),
    firing: async () =>
      (await ask<{ alerts: { labels: Record<string, string>; state: string }[] }>('alerts', {})).alerts
        .filter(({ state }) => state === 'firing')
        .map(({ labels }) => labels.alertname ?? ''),
  };
}

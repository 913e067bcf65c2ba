import { describe, expect, it } from 'vitest';
import { runProgram } from '../../../src/cli/program.ts';

/** Runs `zonekeeper simulate`; stops it when `meanwhile`, given what was printed, is done. */
async function simulate(flags: readonly string[], meanwhile: (printed: string) => Promise<void>) {
  let stderr = '';
  let stop: (signal: string) => void = () => undefined;
  let failure: unknown;
  const code = await runProgram({
    argv: ['simulate', '--listen', '127.0.0.1:0', ...flags],
    env: {},
    stdout: {
      write: (text) => {
        meanwhile(text)
          .catch((error: unknown) => {
            failure = error;
          })
          .finally(() => stop('SIGINT'));
      },
      width: null,
    },
    stderr: {
      write: (text) => {
        stderr += text;
      },
      width: null,
    },
    onStop: (wanted) => {
      stop = wanted;
      return () => undefined;
    },
  });
  if (failure !== undefined) throw failure;
  return { code, stderr };
}

const get = async (url: string) => {
  const response = await fetch(url, { headers: { authorization: 'Bearer any' } });
  return (await response.json()) as { result: { name: string; plan: { legacy_id: string } }[] };
};

describe('zonekeeper simulate', () => {
  it('serves the zones that were asked for, prints where, and ends when told', async () => {
    let base = '';
    const { code, stderr } = await simulate(['--json', '--zones', 'a.com,b.org', '--plan', 'pro'], async (printed) => {
      const { base_url, control_url, zones } = JSON.parse(printed) as Record<string, string>;
      base = `${base_url}`;
      expect(zones).toEqual(['a.com', 'b.org']);
      expect(control_url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/_simulator$/);
      const { result } = await get(`${base}/zones`);
      expect(result.map(({ name, plan }) => `${name} ${plan.legacy_id}`)).toEqual(['a.com pro', 'b.org pro']);
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await expect(get(`${base}/zones`)).rejects.toThrow();
  });

  it('tells people what to set', async () => {
    const { code } = await simulate(['--no-rate-limit', '--latency', '1ms'], async (printed) => {
      expect(printed).toMatch(/CLOUDFLARE_BASE_URL=http:\/\/127\.0\.0\.1:\d+\/client\/v4\n/);
    });
    expect(code).toBe(0);
  });

  it('names every flag that is wrong, and an address that is taken', async () => {
    const wrong = await simulate(['--plan', 'gold', '--latency', '5', '--zones', ','], async () => undefined);
    expect(wrong.code).toBe(64);
    expect(wrong.stderr.match(/^ {2}- --(zones|plan|latency) /gm)).toHaveLength(3);
    await simulate(['--json'], async (printed) => {
      const { host } = new URL(JSON.parse(printed).base_url);
      const taken = await simulate(['--listen', host], async () => undefined);
      expect(taken).toMatchObject({
        code: 64,
        stderr: expect.stringContaining(`Cannot listen on ${host} (EADDRINUSE)`),
      });
    });
  });
});

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { reachable } from '../../../src/cli/health.ts';
import { runProgram } from '../../../src/cli/program.ts';

/** A daemon that gives this answer. Returns its address and what it was asked. */
async function answering(status: number, text: string): Promise<{ listen: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(status).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { listen: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function health(flags: readonly string[], env: Record<string, string>) {
  const printed = { stdout: '', stderr: '' };
  const writer = (stream: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      printed[stream] += text;
    },
    width: null,
  });
  const code = await runProgram({
    argv: ['health', ...flags],
    env,
    stdout: writer('stdout'),
    stderr: writer('stderr'),
    onStop: () => () => undefined,
  });
  return { code, ...printed };
}

describe('zonekeeper health', () => {
  it('asks the daemon whether it is alive, and shows what it says', async () => {
    const { listen, asked } = await answering(200, '[+]loop ok\nlivez check passed\n');
    const result = await health([], { ZONEKEEPER_LISTEN: listen });
    expect(result).toEqual({ code: 0, stdout: '[+]loop ok\nlivez check passed\n', stderr: '' });
    expect(asked).toEqual(['/livez?verbose']);
  });

  it('asks with --ready whether it can do its work; exits with 1 and the checks when it cannot', async () => {
    const { listen, asked } = await answering(503, '[-]cloudflare failed: refused\nreadyz check failed\n');
    const result = await health(['--ready'], { ZONEKEEPER_LISTEN: listen });
    expect(result).toEqual({ code: 1, stdout: '', stderr: '[-]cloudflare failed: refused\nreadyz check failed\n' });
    expect(asked).toEqual(['/readyz?verbose']);
  });

  it('exits with 1 where nobody listens, and says at which address', async () => {
    const { code, stderr } = await health([], { ZONEKEEPER_LISTEN: '127.0.0.1:1' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^http:\/\/127\.0\.0\.1:1\/livez: .*ECONNREFUSED/);
  });

  it('reaches a daemon that listens on all interfaces over loopback', () => {
    expect(reachable({ host: '', port: 1 }).host).toBe('127.0.0.1');
    expect(reachable({ host: '0.0.0.0', port: 1 }).host).toBe('127.0.0.1');
    expect(reachable({ host: '::', port: 1 }).host).toBe('::1');
    expect(reachable({ host: '192.0.2.1', port: 1 }).host).toBe('192.0.2.1');
  });
});

import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

/** One call in a process of its own, as the proxy is chosen when Node starts. Prints what became of it. */
const CALL = `
  const { CloudflareApi } = await import('./src/cloudflare/client.ts');
  const { systemClock } = await import('./src/controller/clock.ts');
  const limiter = { run: (call) => call(), ready: async () => {}, learn() {}, limited() {} };
  const observer = { onCall: ({ code }) => console.log(code), onBatch() {} };
  const baseUrl = 'https://cloudflare.invalid/client/v4';
  await new CloudflareApi({ token: 'a-token', clock: systemClock, limiter, observer, baseUrl }).zones().catch(() => {});
`;

/** Hosts that a proxy is asked for by a process with these variables. */
async function asked(environment: Record<string, string>): Promise<string[]> {
  const hosts: string[] = [];
  const proxy = createServer();
  proxy.on('connect', ({ url }, socket) => {
    hosts.push(url ?? '');
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const env = { HTTPS_PROXY: `http://127.0.0.1:${port}`, ...environment };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', CALL], { env });
  expect(stdout.trim()).toBe('connection');
  return hosts;
}

test('a proxy is used when Node is told to, and only then', async () => {
  expect(await asked({ NODE_USE_ENV_PROXY: '1' })).toEqual(['cloudflare.invalid:443']);
  expect(await asked({})).toEqual([]);
  expect(await asked({ NODE_USE_ENV_PROXY: '1', NO_PROXY: 'cloudflare.invalid' })).toEqual([]);
});

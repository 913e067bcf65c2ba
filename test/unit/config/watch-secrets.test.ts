import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type SecretWatch, watchSecrets } from '../../../src/config/watch-secrets.ts';

let directory: string;
let watch: SecretWatch | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'secrets-'));
});
afterEach(async () => {
  watch?.close();
  await rm(directory, { recursive: true });
});

/** Lays secrets out as the kubelet does: token → ..data/token, ..data → a directory with a time in its name. */
async function project(version: string, token: string): Promise<void> {
  await mkdir(join(directory, version));
  await writeFile(join(directory, version, 'token'), token);
  await symlink(version, join(directory, '..data_tmp'));
  await rename(join(directory, '..data_tmp'), join(directory, '..data'));
}

function observe(path: string, pollMs = 3_600_000) {
  const onChange = vi.fn();
  const onProblem = vi.fn();
  const files = [{ key: 'cloudflareApiToken', env: 'CLOUDFLARE_API_TOKEN', path }] as const;
  return { onChange, onProblem, start: () => watchSecrets({ files, onChange, onProblem, pollMs }) };
}

/** At once: a file that is written to is empty for a moment, and that is a problem of its own. */
async function replace(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

describe('a watched secret', () => {
  it('is read again when Kubernetes swaps the symlink, without a poll', async () => {
    await project('..2026_1', 'first-token\n');
    await symlink('..data/token', join(directory, 'token'));
    const { onChange, onProblem, start } = observe(join(directory, 'token'));
    watch = await start();
    await project('..2026_2', 'second-token\n');
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledWith('cloudflareApiToken', 'second-token'), 60_000);
    expect(onChange).toHaveBeenCalledTimes(1);
    expect(onProblem).not.toHaveBeenCalled();
  });

  it('is read again when the file is replaced by renaming', async () => {
    const path = join(directory, 'token');
    await writeFile(path, 'first-token');
    const { onChange, start } = observe(path);
    watch = await start();
    await replace(path, 'second-token');
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledWith('cloudflareApiToken', 'second-token'), 60_000);
  });

  it('is found by the poll where nothing is told', async () => {
    const nested = join(directory, 'later');
    const { onChange, onProblem, start } = observe(join(nested, 'token'), 20);
    watch = await start();
    expect(onProblem).toHaveBeenCalledOnce();
    await mkdir(nested);
    await writeFile(join(nested, 'token'), 'new-token');
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledWith('cloudflareApiToken', 'new-token'), 60_000);
  });

  it('is not told while it stays the same', async () => {
    const path = join(directory, 'token');
    await writeFile(path, 'first-token');
    const { onChange, start } = observe(path);
    watch = await start();
    await replace(path, 'first-token\n');
    await watch.check();
    expect(onChange).not.toHaveBeenCalled();
  });

  it('keeps its value while the file cannot be right, and says so once', async () => {
    const path = join(directory, 'token');
    await writeFile(path, 'first-token');
    const { onChange, onProblem, start } = observe(path);
    watch = await start();
    await replace(path, 'CANARY with space');
    await watch.check();
    await watch.check();
    expect(onProblem).toHaveBeenCalledOnce();
    expect(JSON.stringify(onProblem.mock.calls)).not.toContain('CANARY');
    await replace(path, 'second-token');
    await watch.check();
    expect(onChange.mock.calls).toEqual([['cloudflareApiToken', 'second-token']]);
  });

  it('is not told any more after the watch is closed', async () => {
    const path = join(directory, 'token');
    await writeFile(path, 'first-token');
    const { onChange, start } = observe(path, 5);
    watch = await start();
    watch.close();
    await writeFile(path, 'second-token');
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(onChange).not.toHaveBeenCalled();
  });
});

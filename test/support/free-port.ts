import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the range that the system gives to outgoing connections, so that none takes the port meanwhile. */
const [FIRST, LAST] = [12_000, 19_999];
const ATTEMPTS = 100;

/** A port of 127.0.0.1 for a program that cannot be told to take a free one. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(FIRST, LAST + 1);
    if (await free(port)) return port;
  }
  throw new Error('No port is free.');
}

function free(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

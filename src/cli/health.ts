import { request } from 'node:http';
import { type ListenAddress, listenText } from '../config/address.ts';
import type { CommandContext } from './command.ts';
import { EXIT } from './exit.ts';

/** A daemon that answers later than this is not well. Milliseconds. */
const TIMEOUT_MS = 4_000;
/** A listing of checks is a few hundred characters. */
const MAX_ANSWER = 100_000;

/** `zonekeeper health`: asks the daemon on this machine how it is; for a container's health check and for scripts. */
export default async function health(context: CommandContext): Promise<number> {
  const { listen } = await context.config('health');
  const address = reachable(listen);
  const path = context.flags.on('ready') ? '/readyz' : '/livez';
  const { status, text } = await ask(address, path);
  const well = status === 200;
  const shown = `${text.trim()}\n`;
  (well ? context.stdout : context.stderr).write(shown);
  return well ? EXIT.ok : EXIT.error;
}

/** Where somebody on the same machine reaches a daemon that listens there. */
export function reachable({ host, port }: ListenAddress): ListenAddress {
  if (host === '::') return { host: '::1', port };
  return { host: host === '' || host === '0.0.0.0' ? '127.0.0.1' : host, port };
}

function ask(address: ListenAddress, path: string): Promise<{ status: number; text: string }> {
  const { host, port } = address;
  const at = `http://${listenText(address)}${path}`;
  return new Promise((resolve) => {
    const failed = (why: string): void => resolve({ status: 0, text: `${at}: ${why}` });
    // Not fetch: it takes longer to load than all the rest of this command.
    const asked = request({ host, port, path: `${path}?verbose`, timeout: TIMEOUT_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text = (text + chunk).slice(0, MAX_ANSWER);
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', ({ message }) => failed(message));
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`)));
    asked.on('error', ({ message }) => failed(message));
    asked.end();
  });
}

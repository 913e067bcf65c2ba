import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/controller/clock.ts';
import { Listener } from '../../../src/sources/postgres/listener.ts';
import { testDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait.ts';

/** A way to the server that swallows the first LISTEN and all that follows on its connection, as a broken switch does. */
async function brokenOnce(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let broken = false;
  const proxy = createServer((near) => {
    const far = connect({ host: hostname, port: Number(port) });
    let silent = false;
    near.on('data', (chunk) => {
      if (!broken && chunk.includes('LISTEN')) {
        broken = true;
        silent = true;
      }
      if (!silent) far.write(chunk);
    });
    far.pipe(near);
    for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined));
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  const through = new URL(url);
  through.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return through.href;
}

test('a way that breaks before it listens is given up like any other', async () => {
  const database = await testDatabase();
  const connectionString = await brokenOnce(database.url);
  const events: string[] = [];
  const listener = new Listener({
    connection: () => ({ connectionString }),
    channels: ['a'],
    heartbeatChannel: 'beat',
    clock: systemClock,
    random: Math.random,
    events: {
      onConnected: () => events.push('connected'),
      onLost: (error) => events.push(error.code),
      onNotification: (channel) => events.push(channel),
    },
  });
  onTestFinished(() => listener.stop());
  listener.start();
  await waitFor('it to listen', () => events.includes('connected'));
  await database.query(`NOTIFY a`);
  await waitFor('a notification', () => events.includes('a'));
  expect(events).toEqual(['database_unreachable', 'connected', 'a']);
});

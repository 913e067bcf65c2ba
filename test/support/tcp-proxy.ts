import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A way to a server that can be cut: for one side of it the other is gone, while everybody else still reaches it. */
export interface TcpProxy {
  readonly port: number;
  /** Drops what passes, and takes no connection; what is open stays open and silent, as behind a broken switch. */
  cut(): void;
  /** Ends all connections, and takes none. */
  refuse(): void;
  /** Lets new connections through; those that were open when it was cut are ended. */
  mend(): void;
}

/** Starts a proxy; ended at the end of the test. */
export async function tcpProxy(target: { host?: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let open = true;
  const server: Server = createServer((near) => {
    if (!open) {
      near.destroy();
      return;
    }
    const far = connect({ host: target.host ?? '127.0.0.1', port: target.port });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        if (open) to.write(chunk);
      });
      // The other side sees an end as an end.
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const end = () => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    end();
    server.close();
  });
  return {
    port: (server.address() as { port: number }).port,
    cut: () => {
      open = false;
      // Not even an end is heard any more.
      for (const socket of sockets) socket.pause();
    },
    refuse: () => {
      open = false;
      end();
    },
    mend: () => {
      end();
      open = true;
    },
  };
}

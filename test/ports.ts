import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { systemRandom } from '../runtime/random.ts';

/** Below the ports that systems give to outgoing connections: one of those must not take it while a server is down. */
const PORTS = { first: 20_000, count: 12_000 } as const;

/** A loopback port that nobody listens on, over TCP or UDP. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + Math.floor(systemRandom.uniform() * PORTS.count);
    if ((await isFree(port)) && (await isFreeForDatagrams(port))) return port;
  }
}

/** Whether somebody listens on a loopback port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function isFreeForDatagrams(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}

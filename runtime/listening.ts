import type { Server as HttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import type { Clock } from './clock.ts';
import type { ListenAddress } from './config/values.ts';
import { MooringError } from './errors.ts';

export interface ListeningOptions {
  readonly address: ListenAddress;
  /** Key of the configuration that says it: `metrics.listen`. */
  readonly key: string;
  /** For people: what cannot be done without. */
  readonly otherwise: string;
  /** Told what goes wrong from then on, as when there are no descriptors left for a connection. */
  readonly onError: (error: Error) => void;
}

/** Resolves once a server listens. Rejects with `SOCKET_FAILED`. */
export function listening(server: Server, { address, key, otherwise, onError }: ListeningOptions): Promise<void> {
  const { host, port } = address;
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException): void => {
      const isTaken = cause.code === 'EADDRINUSE';
      const hint = isTaken ? 'Another program listens there: choose another port.' : `Check the address in \`${key}\`.`;
      reject(
        new MooringError('SOCKET_FAILED', otherwise, { cause, context: { host, port, reason: cause.code }, hint }),
      );
    };
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      server.on('error', onError);
      resolve();
    });
  });
}

/** Where a server listens; undefined where it does not. */
export function addressOf(server: Server | undefined): ListenAddress | undefined {
  const address = server?.address() as AddressInfo | null | undefined;
  return address === undefined || address === null ? undefined : { host: address.address, port: address.port };
}

/** Accepts nobody any more; who waits for an answer has `lingerMs` to hear it. */
export async function closeHttp(server: HttpServer, clock: Clock, lingerMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cancel = clock.after(lingerMs, () => server.closeAllConnections());
  await closed;
  cancel();
}

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import type { ListenAddress } from '../../../runtime/config/values.ts';
import { MooringError } from '../../../runtime/errors.ts';

/** Where a datagram came from. */
export type PeerAddress = Pick<RemoteInfo, 'address' | 'port'>;

/** A socket that hears everybody. */
export interface DatagramSocket {
  readonly address: ListenAddress;
  /** What the system keeps of datagrams that nobody has read yet, in bytes. */
  readonly receiveBufferBytes: number;
  /** Never throws and never waits; what cannot be sent is lost. */
  send(datagram: Uint8Array, to: PeerAddress): void;
  close(): Promise<void>;
}

export type OnDatagram = (datagram: Uint8Array, from: PeerAddress) => void;

/** Throws `SOCKET_FAILED`. */
export type BindDatagrams = (listen: ListenAddress, onDatagram: OnDatagram) => Promise<DatagramSocket>;

/** What is asked for: a second of 200 gateways that drain at once. The system gives what its own limit allows. */
const RECEIVE_BUFFER_BYTES = 16 * 2 ** 20;
const SEND_BUFFER_BYTES = 4 * 2 ** 20;

/** This machine's network. */
export const bindDatagrams: BindDatagrams = async (listen, onDatagram) => {
  let socket: Socket;
  try {
    const { address, family } = await lookup(listen.host);
    socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    await bound(socket, { host: address, port: listen.port });
  } catch (cause) {
    throw cannotListen(listen, cause as NodeJS.ErrnoException);
  }
  socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  socket.setSendBufferSize(SEND_BUFFER_BYTES);
  socket.on('message', onDatagram);
  // Of a datagram sent earlier, to somebody who has gone: nobody can be told.
  socket.on('error', () => undefined);
  const { address: host, port } = socket.address();
  return {
    address: { host, port },
    // Linux counts its own bookkeeping, and doubles what was asked for.
    receiveBufferBytes: socket.getRecvBufferSize() / 2,
    send(datagram, to) {
      socket.send(datagram, to.port, to.address, () => undefined);
    },
    async close() {
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
};

async function bound(socket: Socket, { host, port }: ListenAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve();
    });
  });
}

function cannotListen({ host, port }: ListenAddress, cause: NodeJS.ErrnoException): MooringError {
  const isTaken = cause.code === 'EADDRINUSE';
  return new MooringError('SOCKET_FAILED', 'UDP ingest cannot listen', {
    cause,
    context: { host, port, reason: cause.code },
    hint: isTaken ? 'Another program listens there: choose another port.' : 'Check the address in `ingest.udp.listen`.',
  });
}

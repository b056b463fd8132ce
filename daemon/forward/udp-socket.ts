import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';

/** A socket that talks to one address and hears nobody else. */
export interface UdpSocket {
  /** Never throws and never waits; what cannot be sent is lost, or told to `onError`. */
  send(datagram: Uint8Array): void;
  close(): void;
}

export interface UdpSocketEvents {
  onDatagram(datagram: Uint8Array): void;
  /** With Node's code; `ECONNREFUSED` where the other machine says that nobody listens there. */
  onError(error: NodeJS.ErrnoException): void;
}

export interface UdpDestination {
  readonly host: string;
  readonly port: number;
  /** Which of the host's addresses, counted round and round: whoever had no luck with one asks for the next. */
  readonly attempt: number;
}

/** Looks the host up and connects. Rejects with Node's error. */
export type ConnectUdp = (to: UdpDestination, events: UdpSocketEvents) => Promise<UdpSocket>;

/** The buffer is full: the datagram is lost, as it might be anywhere further on. */
const LOST = new Set(['EAGAIN', 'ENOBUFS', 'ENOMEM']);
/** A window of datagrams, which the system doubles for its own use, in bytes. */
const BUFFER_BYTES = 512 * 1024;

/** This machine's network. */
export const connectUdp: ConnectUdp = async ({ host, port, attempt }, { onDatagram, onError }) => {
  const addresses = await lookup(host, { all: true });
  const { address, family } = addresses[attempt % addresses.length] as (typeof addresses)[number];
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  await connected(socket, port, address);
  let isClosed = false;
  const failed = (error: NodeJS.ErrnoException): void => {
    if (!isClosed && !LOST.has(error.code ?? '')) onError(error);
  };
  socket.on('message', onDatagram);
  socket.on('error', failed);
  return {
    send(datagram) {
      if (isClosed) return;
      socket.send(datagram, (error) => {
        if (error !== null) failed(error);
      });
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      socket.close();
    },
  };
};

async function connected(socket: Socket, port: number, address: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once('error', onError);
    // Where there is no way, Node tells only this callback.
    socket.connect(port, address, (error?: Error) => {
      socket.off('error', onError);
      if (error instanceof Error) {
        onError(error);
        return;
      }
      socket.setRecvBufferSize(BUFFER_BYTES);
      resolve();
    });
  });
}

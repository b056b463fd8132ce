import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { MooringError } from '../../runtime/errors.ts';
import type { Sender } from './sender.ts';

const PORT = 20_001;
const AT_ONCE = 16;

/** A datagram each. Nobody confirms any. */
export async function udpSender({ hostname, port }: URL): Promise<Sender> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  // That nobody listens is told to the next datagram, on loopback; a device would not hear it.
  socket.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, () => resolve());
  }).catch((cause: Error) => {
    throw new MooringError('SOCKET_FAILED', 'no datagram can be sent', { cause });
  });
  const target = port === '' ? PORT : Number(port);
  return {
    atOnce: AT_ONCE,
    textOnly: false,
    async send({ bytes }) {
      return await new Promise((resolve, reject) => {
        socket.send(bytes, target, host, (cause) => {
          if (cause === null) resolve('taken');
          else reject(new MooringError('SOCKET_FAILED', 'a datagram cannot be sent', { cause, context: { host } }));
        });
      });
    },
    async close() {
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}

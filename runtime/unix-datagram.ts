import { MooringError } from './errors.ts';
import { errno, libcFunction } from './native.ts';

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_NOSIGNAL_DONTWAIT = 0x4000 | 0x40;
/** `sun_path` of sockaddr_un, in bytes. */
const PATH_BYTES_MAX = 108;

const socket = libcFunction('int socket(int domain, int type, int protocol)') as (...p: number[]) => number;
const sendto = libcFunction(
  'long sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t address_length)',
) as (...p: unknown[]) => number;
const close = libcFunction('int close(int fd)') as (fd: number) => number;

/**
 * Sends one datagram to a Unix socket, which Node's own modules cannot do. A path that begins with `@` names an abstract
 * socket (unix(7)). Throws `SOCKET_FAILED` when nobody takes it.
 */
export function sendUnixDatagram(path: string, text: string): void {
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path, 'utf8');
  if (name.length === 0 || name.length > PATH_BYTES_MAX) {
    throw new MooringError('SOCKET_FAILED', 'not a path of a Unix socket', { context: { path } });
  }
  const address = Buffer.alloc(2 + name.length);
  address.writeUInt16LE(AF_UNIX, 0);
  name.copy(address, 2);
  const descriptor = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (descriptor < 0)
    throw new MooringError('SOCKET_FAILED', 'no Unix socket to be had', { context: { errno: errno() } });
  const data = Buffer.from(text, 'utf8');
  const sent = sendto(descriptor, data, data.length, MSG_NOSIGNAL_DONTWAIT, address, address.length);
  const code = errno();
  close(descriptor);
  if (sent !== data.length) {
    throw new MooringError('SOCKET_FAILED', 'the Unix socket took no message', { context: { path, errno: code } });
  }
}

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { BoundedConnection, PacketGuard } from './bounded-connection.ts';

/** A packet of MQTT: its type, its length in one to four bytes, its body. */
function packetOf(bodyBytes: number): Uint8Array {
  const length: number[] = [];
  let left = bodyBytes;
  do {
    length.push((left % 128) | (left >= 128 ? 0x80 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  const packet = new Uint8Array(1 + length.length + bodyBytes).fill(0xff);
  packet.set([0x30, ...length]);
  return packet;
}

function acceptsInPieces(guard: PacketGuard, bytes: Uint8Array, pieces: readonly number[]): boolean {
  let at = 0;
  for (const piece of [...pieces, bytes.length]) {
    if (!guard.accept(bytes.subarray(at, at + piece))) return false;
    at += piece;
  }
  return true;
}

test('packets up to the bound pass, and one beyond it does not, however the stream is cut', () => {
  const bytesMax = 20_000;
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: bytesMax }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 40 }),
      fc.option(fc.integer({ min: bytesMax + 1, max: bytesMax + 500 })),
      (sizes, pieces, tooLarge) => {
        const packets = [...sizes, ...(tooLarge === null ? [] : [tooLarge])].map(packetOf);
        expect(acceptsInPieces(new PacketGuard(bytesMax), Buffer.concat(packets), pieces)).toBe(tooLarge === null);
      },
    ),
    { numRuns: 200 },
  );
});

test('the bound is judged by the announcement: not one byte of a large body is waited for', () => {
  expect(new PacketGuard(1000).accept(packetOf(1001).subarray(0, 3))).toBe(false);
  expect(new PacketGuard(1000).accept(packetOf(1000).subarray(0, 3))).toBe(true);
});

test('a length that does not end is refused', () => {
  expect(new PacketGuard(1000).accept(Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80))).toBe(false);
});

let server: Server | undefined;
afterEach(() => server?.close());

interface Ends {
  readonly near: BoundedConnection;
  /** What is bounded. */
  readonly socket: Socket;
  readonly far: Socket;
  readonly large: () => number;
}

/** Both ends of a connection over loopback. */
async function ends(packetBytesMax: number): Promise<Ends> {
  let large = 0;
  const accepted = new Promise<Socket>((resolve) => {
    server = createServer(resolve);
  });
  await new Promise<void>((resolve) => (server as Server).listen(0, '127.0.0.1', resolve));
  const far = connect(((server as Server).address() as AddressInfo).port, '127.0.0.1');
  const socket = await accepted;
  const near = new BoundedConnection(socket, packetBytesMax, () => (large += 1));
  return { near, socket, far, large: () => large };
}

test('bytes pass in both directions, as they were', async () => {
  const { near, far } = await ends(100_000);
  const sent = packetOf(90_000);
  near.pipe(near);
  far.end(sent);
  const back: Buffer[] = [];
  for await (const chunk of far) back.push(chunk as Buffer);
  expect(Buffer.concat(back).equals(sent)).toBe(true);
});

test('a reader that does not read stops the sender, and lets it go on when it reads', async () => {
  const { near, socket, far } = await ends(2 ** 27);
  const sent = Buffer.concat(Array.from({ length: 3000 }, () => packetOf(9997)));
  far.end(sent);
  await once(near, 'readable');
  while (!socket.isPaused()) await new Promise((resolve) => setImmediate(resolve));
  // All that may be under way is what two socket buffers and this stream hold.
  expect(near.readableLength).toBeLessThan(200_000);
  expect(far.writableLength).toBeGreaterThan(0);
  let bytes = 0;
  for await (const chunk of near) bytes += (chunk as Buffer).length;
  expect(bytes).toBe(sent.length);
});

test('a packet that is too large closes the connection at once', async () => {
  const { near, far, large } = await ends(1000);
  near.on('error', () => undefined);
  const closed = once(far, 'close');
  far.on('error', () => undefined);
  far.write(packetOf(10).subarray(0, 5));
  far.write(packetOf(10).subarray(5));
  far.write(packetOf(1_000_000).subarray(0, 10));
  await closed;
  expect(large()).toBe(1);
  expect(near.destroyed).toBe(true);
});

test('what was written before it is closed still arrives', async () => {
  const { near, far } = await ends(1000);
  near.write('the last words');
  near.destroy();
  const words: Buffer[] = [];
  for await (const chunk of far) words.push(chunk as Buffer);
  expect(Buffer.concat(words).toString()).toBe('the last words');
});

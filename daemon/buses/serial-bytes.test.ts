import { beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../runtime/log.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { SimulatedSerialLine } from '../../sim/serial-line.ts';
import type { Talker } from '../../sim/talkers/talker.ts';
import { serialPorts } from './serial.ts';

const SILENCE_MS = 5000;
const never = new AbortController().signal;

/** Says what a test wants, and keeps what it hears. */
class Mouthpiece implements Talker {
  readonly heard: number[] = [];
  say: (bytes: Uint8Array) => void = () => undefined;

  powerUp(say: (bytes: Uint8Array) => void): void {
    this.say = say;
  }

  powerDown(): void {
    this.say = () => undefined;
  }

  hear(bytes: Uint8Array): void {
    this.heard.push(...bytes);
  }
}

let clock: SteppedClock;
let device: Mouthpiece;
let line: SimulatedSerialLine;

beforeEach(() => {
  clock = new SteppedClock();
  device = new Mouthpiece();
  line = new SimulatedSerialLine(device, { baud: 9600 });
});

function bytesAt(baud = 9600) {
  return serialPorts({ machine: line, clock, log: silentLog }).serialBytes({
    path: '/dev/dust',
    baud,
    silenceMs: SILENCE_MS,
  });
}

type Port = ReturnType<typeof bytesAt>;

/** What comes until the port ends. */
function listen(port: Port): { readonly bytes: number[]; readonly end: Promise<unknown> } {
  const bytes: number[] = [];
  const end = (async () => {
    for await (const chunk of port.chunks(never)) bytes.push(...chunk);
    return 'ended';
  })().catch((error: unknown) => error);
  return { bytes, end };
}

test('bytes go both ways as they are', async () => {
  const port = bytesAt();
  await port.open(never);
  const { bytes, end } = listen(port);
  device.say(Uint8Array.of(0, 255, 10, 13));
  await port.write(Uint8Array.of(0x42, 0x4d), never);
  await clock.advance(0);
  expect(device.heard).toEqual([0x42, 0x4d]);
  expect(bytes).toEqual([0, 255, 10, 13]);
  await port.close();
  expect(await end).toBe('ended');
});

test('what is said before it is opened, and between two openings, is lost', async () => {
  const port = bytesAt();
  device.say(Uint8Array.of(1));
  await port.open(never);
  await port.close();
  device.say(Uint8Array.of(2));
  await port.open(never);
  const { bytes } = listen(port);
  device.say(Uint8Array.of(3));
  await clock.advance(0);
  expect(bytes).toEqual([3]);
  await port.close();
});

describe('a port', () => {
  test('that is unplugged is PORT_LOST for reader and writer, PORT_ABSENT until it is back, and works then', async () => {
    const port = bytesAt();
    await port.open(never);
    const { bytes, end } = listen(port);
    device.say(Uint8Array.of(1));
    await clock.advance(0);
    line.unplug();
    expect(await end).toMatchObject({ code: 'PORT_LOST', context: { path: '/dev/dust' } });
    expect(bytes).toEqual([1]);
    await expect(port.write(Uint8Array.of(9), never)).rejects.toMatchObject({ code: 'PORT_LOST' });
    await expect(port.open(never)).rejects.toMatchObject({ code: 'PORT_ABSENT' });
    line.plug();
    await port.open(never);
    await port.write(Uint8Array.of(7), never);
    expect(device.heard).toEqual([7]);
    await port.close();
  });

  test('without a byte for its silence is PORT_SILENT, and leaves no timer behind', async () => {
    const port = bytesAt();
    await port.open(never);
    const { end } = listen(port);
    await clock.advance(SILENCE_MS - 1);
    device.say(Uint8Array.of(1));
    await clock.advance(SILENCE_MS - 1);
    expect(await Promise.race([end, Promise.resolve('open')])).toBe('open');
    await clock.advance(1);
    expect(await end).toMatchObject({ code: 'PORT_SILENT' });
    await port.close();
    expect(clock.pendingTimers).toBe(0);
  });

  test('that another has open is PORT_BUSY', async () => {
    const [first, second] = [bytesAt(), bytesAt()];
    await first.open(never);
    await expect(second.open(never)).rejects.toMatchObject({ code: 'PORT_BUSY' });
    await first.close();
    await second.open(never);
    await second.close();
  });

  test('that is closed, or was never open, gives nothing and takes nothing', async () => {
    const port = bytesAt();
    expect(await listen(port).end).toBe('ended');
    await expect(port.write(Uint8Array.of(1), never)).rejects.toMatchObject({ code: 'PORT_LOST' });
    await port.close();
  });

  test('whose opening was called off is not left open', async () => {
    const port = bytesAt();
    const off = new AbortController();
    const opening = port.open(off.signal);
    off.abort(new Error('called off'));
    await expect(opening).rejects.toThrow('called off');
    await port.open(never);
    await port.close();
  });
});

test('a reader that is away does not make memory grow: the oldest bytes give way', async () => {
  const port = bytesAt();
  await port.open(never);
  for (let said = 0; said < 200; said += 1) {
    device.say(Buffer.alloc(1024, said));
    await clock.advance(0);
  }
  const { bytes } = listen(port);
  await clock.advance(0);
  expect(bytes.length).toBe(65_536);
  expect(bytes.at(-1)).toBe(199);
  await port.close();
});

test('at the wrong speed comes as much as was said, and none of it', async () => {
  const port = bytesAt(4800);
  await port.open(never);
  const { bytes } = listen(port);
  device.say(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  await clock.advance(0);
  expect(bytes).toHaveLength(8);
  expect(bytes).not.toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  await port.close();
});

/** SerialPortLines on a real pseudo-terminal: what a wire, a plug and a second program do to it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SerialPortLines } from '../../daemon/buses/serial-lines.ts';
import { openSerialPort } from '../../daemon/buses/serial-port.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { openPty, type Pty, type PtyOptions } from '../pty.ts';

const LINE_BYTES_MAX = 100;
const SILENCE_MS = 30_000;
const LINE = '$IIMWV,338,R,13.41,N,A*2C';

let folder: string;
let ptys: Pty[];
let opened: SerialPortLines[];
let stop: AbortController;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-serial-'));
  ptys = [];
  opened = [];
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  for (const lines of opened) await lines.close();
  for (const pty of ptys) pty.close();
  rmSync(folder, { recursive: true });
});

function plug(options: PtyOptions = {}): Pty {
  const pty = openPty(options);
  ptys.push(pty);
  return pty;
}

function portAt(path: string, clock = systemClock): SerialPortLines {
  const settings = { path, baud: 4800, lineBytesMax: LINE_BYTES_MAX, silenceMs: SILENCE_MS };
  const lines = new SerialPortLines(settings, { machine: { openSerial: openSerialPort }, clock, log: silentLog });
  opened.push(lines);
  return lines;
}

/** The next `count` lines. */
async function take(lines: SerialPortLines, count: number): Promise<string[]> {
  const taken: string[] = [];
  for await (const line of lines.lines(stop.signal)) {
    taken.push(line);
    if (taken.length === count) break;
  }
  return taken;
}

async function drain(lines: SerialPortLines): Promise<void> {
  for await (const _ of lines.lines(stop.signal)) {
    // read to the end
  }
}

describe('lines', () => {
  test('come without their ends, CR LF or LF alone, and an empty line is a line', async () => {
    const pty = plug();
    const lines = portAt(pty.path);
    await lines.open(stop.signal);
    await pty.write(`${LINE}\r\nbare\n\r\n$last\r\n`);
    expect(await take(lines, 4)).toEqual([LINE, 'bare', '', '$last']);
  });

  test('keep every byte as it was sent, from 0 to 255', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).filter((byte) => byte !== 10);
    const pty = plug();
    const lines = portAt(pty.path);
    await lines.open(stop.signal);
    for (let at = 0; at < bytes.length; at += 64)
      await pty.write(Buffer.concat([bytes.subarray(at, at + 64), Buffer.from('.\n')]));
    const read = await take(lines, 4);
    expect(Buffer.from(read.map((line) => line.slice(0, -1)).join(''), 'latin1')).toEqual(bytes);
  });

  test('torn over several writes are joined', async () => {
    const pty = plug();
    const lines = portAt(pty.path);
    await lines.open(stop.signal);
    const reading = take(lines, 2);
    for (const piece of [LINE.slice(0, 7), LINE.slice(7, 20), `${LINE.slice(20)}\r`, `\n${LINE}\r\n`]) {
      await pty.write(piece);
      await systemClock.sleep(15);
    }
    expect(await reading).toEqual([LINE, LINE]);
  });

  test('that are too long are dropped whole and counted, and the next good one is delivered', async () => {
    const pty = plug();
    const lines = portAt(pty.path);
    await lines.open(stop.signal);
    await pty.write(
      `${'x'.repeat(LINE_BYTES_MAX)}\n${'y'.repeat(LINE_BYTES_MAX + 1)}\n${'z'.repeat(50_000)}\r\n${LINE}\r\n`,
    );
    expect(await take(lines, 2)).toEqual(['x'.repeat(LINE_BYTES_MAX), LINE]);
    expect(lines.counts).toEqual({ dropped: 0, tooLong: 2 });
  });

  test('that nobody reads give way, oldest first, and are counted', async () => {
    const pty = plug();
    const lines = portAt(pty.path);
    await lines.open(stop.signal);
    const sent = Array.from({ length: 2000 }, (_, index) => `line ${index}`);
    await pty.write(`${sent.join('\n')}\n`);
    await expect.poll(() => lines.counts.dropped).toBe(2000 - 512);
    expect(await take(lines, 512)).toEqual(sent.slice(-512));
  });
});

describe('the port', () => {
  test('that is not there is PORT_ABSENT, and opens when it is', async () => {
    const link = join(folder, 'usb-gps');
    const lines = portAt(link);
    await expect(lines.open(stop.signal)).rejects.toMatchObject({ code: 'PORT_ABSENT', context: { path: link } });
    const pty = plug({ link });
    await lines.open(stop.signal);
    await pty.write(`${LINE}\r\n`);
    expect(await take(lines, 1)).toEqual([LINE]);
  });

  test('that is a file is PORT_ABSENT', async () => {
    const path = join(folder, 'file');
    writeFileSync(path, LINE);
    await expect(portAt(path).open(stop.signal)).rejects.toMatchObject({ code: 'PORT_ABSENT' });
  });

  test('that another has open is PORT_BUSY, and free again as soon as the other has closed it', async () => {
    const pty = plug();
    const first = portAt(pty.path);
    const second = portAt(pty.path);
    await first.open(stop.signal);
    await expect(second.open(stop.signal)).rejects.toMatchObject({ code: 'PORT_BUSY' });
    await first.close();
    await second.open(stop.signal);
  });

  test('that is unplugged is PORT_LOST, after the lines that came before', async () => {
    const pty = plug();
    const lines = portAt(pty.path);
    await lines.open(stop.signal);
    await pty.write(`${LINE}\r\n`);
    expect(await take(lines, 1)).toEqual([LINE]);
    pty.close();
    await expect(drain(lines)).rejects.toMatchObject({ code: 'PORT_LOST', context: { path: pty.path } });
  });

  test('that is unplugged in the middle of a stream is PORT_LOST within seconds, each time', async () => {
    // A hang-up that meets a read makes serialport read for ever without saying so.
    const attempts = Array.from({ length: 40 }, async () => {
      const pty = plug();
      const lines = portAt(pty.path);
      await lines.open(stop.signal);
      const lost = expect(drain(lines)).rejects.toMatchObject({ code: 'PORT_LOST' });
      for (let written = 0; written < 20; written += 1) void pty.write(`${LINE}\r\n`);
      await systemClock.sleep(5);
      pty.close();
      await lost;
    });
    await Promise.all(attempts);
  }, 15_000);

  test('is found again under its stable name when it comes back as another device', async () => {
    const link = join(folder, 'usb-gps');
    const before = plug({ link });
    const lines = portAt(link);
    await lines.open(stop.signal);
    await before.write('$half a li');
    before.close();
    await expect(drain(lines)).rejects.toMatchObject({ code: 'PORT_LOST' });
    await lines.close();
    await expect(lines.open(stop.signal)).rejects.toMatchObject({ code: 'PORT_ABSENT' });

    // Another device takes the old name first, so that the port must come back under a new one.
    const other = plug();
    const after = plug({ link });
    expect(other.device).not.toBe(after.device);
    await lines.open(stop.signal);
    await after.write(`${LINE}\r\n`);
    expect(await take(lines, 1), 'nothing is left over from before').toEqual([LINE]);
  });

  test('without a byte for its silence is PORT_SILENT, and opens again', async () => {
    const clock = new SteppedClock();
    const pty = plug();
    const lines = portAt(pty.path, clock);
    await lines.open(stop.signal);
    await clock.advance(SILENCE_MS - 1000);
    await pty.write(`${LINE}\r\n`);
    expect(await take(lines, 1)).toEqual([LINE]);
    await clock.advance(SILENCE_MS - 1);
    const drained = drain(lines);
    const early = await Promise.race([drained, systemClock.sleep(20).then(() => 'still listening')]);
    expect(early).toBe('still listening');
    const silent = expect(drained).rejects.toMatchObject({ code: 'PORT_SILENT', context: { silenceMs: SILENCE_MS } });
    await clock.advance(1);
    await silent;
    await lines.close();
    expect(clock.pendingTimers, 'no timer is left behind').toBe(0);
    await lines.open(stop.signal);
    await pty.write(`${LINE}\r\n`);
    expect(await take(lines, 1)).toEqual([LINE]);
  });

  test('can be closed at any time: before it was opened, twice, while it is read, after it was lost', async () => {
    const pty = plug();
    const lines = portAt(pty.path);
    await lines.close();
    await lines.open(stop.signal);
    const drained = drain(lines);
    await systemClock.sleep(5);
    await Promise.all([lines.close(), lines.close()]);
    await drained;
    await lines.open(stop.signal);
    pty.close();
    await expect(drain(lines)).rejects.toMatchObject({ code: 'PORT_LOST' });
    await lines.close();
  });

  test('is not left open when the opening was called off, and reading ends without an error when told to', async () => {
    const pty = plug();
    const lines = portAt(pty.path);
    const off = new AbortController();
    const opening = lines.open(off.signal);
    off.abort(new Error('called off'));
    await expect(opening).rejects.toThrow('called off');
    await portAt(pty.path).open(stop.signal);
    await opened.at(-1)?.close();

    await lines.open(stop.signal);
    const enough = new AbortController();
    const reading = (async () => {
      for await (const _ of lines.lines(enough.signal)) {
        // until told to stop
      }
    })();
    await systemClock.sleep(5);
    enough.abort();
    await reading;
  });
});

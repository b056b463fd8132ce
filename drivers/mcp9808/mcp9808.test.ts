import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { MooringError } from '../../runtime/errors.ts';
import { Mcp9808Chip } from '../../sim/chips/mcp9808.ts';
import { ChipStand } from '../../test/chip-stand.ts';
import { mcp9808 } from './mcp9808.ts';

interface Fixture {
  readonly full_resolution: string;
  readonly examples: readonly { readonly word: string; readonly temperature: number; readonly what: string }[];
  readonly beyond: readonly string[];
  readonly identity: Identity;
  readonly next_revision: string;
  readonly others: readonly (Identity & { readonly what: string })[];
}

interface Identity {
  readonly '06': string;
  readonly '07': string;
}

const fixture = JSON.parse(readFileSync(new URL('fixtures/datasheet.json', import.meta.url), 'utf8')) as Fixture;
const { signal } = new AbortController();
const MISSING = { metrics: {}, missing: ['temperature'] };
const CONFIG = 1;
const TEMPERATURE = 5;

let stand: ChipStand;
let chip: Mcp9808Chip;
/** Registers that were written to, and with what. */
let written: string[];
/** What stands in registers, by their numbers, whatever the chip says. */
let registers: Map<number, string>;

beforeEach(() => {
  stand = new ChipStand();
  stand.truths = { temperature: 21.5 };
  chip = stand.attach(new Mcp9808Chip(stand));
  written = [];
  registers = new Map();
  const { write, read } = chip;
  let pointer = 0;
  chip.write = (bytes) => {
    pointer = bytes[0] ?? pointer;
    if (bytes.length > 1) written.push(Buffer.from(bytes).toString('hex'));
    write.call(chip, bytes);
  };
  chip.read = (length) => {
    const given = registers.get(pointer);
    return given === undefined ? read.call(chip, length) : Buffer.from(given, 'hex');
  };
});

function become({ '06': manufacturer, '07': device }: Identity): void {
  registers.set(6, manufacturer).set(7, device);
}

/** A word that another program writes. */
function tamper(register: number, word: number): void {
  chip.write(Uint8Array.of(register, word >> 8, word & 0xff));
}

describe('by the bytes', () => {
  test.each(fixture.examples)('$word is $temperature °C: $what', async ({ word, temperature }) => {
    const sensor = await stand.opened(mcp9808);
    registers.set(TEMPERATURE, word);
    expect(await stand.sample(sensor)).toEqual({ metrics: { temperature } });
  });

  test.each(fixture.beyond)('%s, a temperature that it is not made for, is no value', async (word) => {
    const sensor = await stand.opened(mcp9808);
    registers.set(TEMPERATURE, word);
    expect(await stand.sample(sensor)).toEqual(MISSING);
  });

  test('any temperature is read to half a step, whatever limits the bits of the alert compare it with', async () => {
    const sensor = await stand.opened(mcp9808);
    const limit = fc.integer({ min: 0, max: 0x1fff });
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: -40, max: 125, noNaN: true }),
        limit,
        limit,
        limit,
        async (truth, ...limits) => {
          for (const [index, word] of limits.entries()) tamper(2 + index, word);
          stand.truths = { temperature: truth };
          await stand.clock.advance(250);
          const { metrics } = await stand.sample(sensor);
          expect(Math.abs((metrics.temperature as number) - truth)).toBeLessThanOrEqual(0.0625 / 2);
        },
      ),
      { numRuns: 200 },
    );
  });
});

test('whoever used it before has left it shut down and coarse: it measures, and in full resolution', async () => {
  stand.truths = { temperature: 30 };
  await stand.clock.advance(1000);
  tamper(CONFIG, 0x0100);
  chip.write(Uint8Array.of(8, 0));
  stand.truths = { temperature: 5.0625 };
  const sensor = await stand.opened(mcp9808);
  expect(await stand.sample(sensor)).toEqual({ metrics: { temperature: 5.0625 } });
  expect(written).toContain(fixture.full_resolution);
});

describe('without power for a moment', () => {
  test.each([
    ['before a sample', 0],
    ['long before', 10_000],
  ])('%s, it is set up again and its 0 °C of power-on is no value', async (_, ms) => {
    const sensor = await stand.opened(mcp9808);
    chip.powerCycle();
    await stand.clock.advance(ms);
    expect(await stand.sample(sensor)).toEqual({ metrics: { temperature: 21.5 } });
  });

  test('while it is opened, the first sample says what is true', async () => {
    const sensor = stand.sensor(mcp9808);
    const opened = sensor.open(signal);
    await stand.clock.advance(200);
    chip.powerCycle();
    await stand.within(1000, opened);
    expect(await stand.sample(sensor)).toEqual({ metrics: { temperature: 21.5 } });
  });

  test('between the temperature and what tells of it, the sample is taken again', async () => {
    const sensor = await stand.opened(mcp9808);
    const { read } = chip;
    chip.read = (length) => {
      chip.read = read;
      const answer = read(length);
      chip.powerCycle();
      return answer;
    };
    expect(await stand.sample(sensor)).toEqual({ metrics: { temperature: 21.5 } });
    expect(written).toHaveLength(4);
  });

  test('and given up before it is set up again, the next sample waits for a conversion, too', async () => {
    const sensor = await stand.opened(mcp9808);
    chip.powerCycle();
    const deadline = new AbortController();
    const late = sensor.sample(deadline.signal);
    await stand.clock.advance(10);
    deadline.abort(new MooringError('DEADLINE', 'given up'));
    await expect(late).rejects.toMatchObject({ code: 'DEADLINE' });
    expect(await stand.sample(sensor)).toEqual({ metrics: { temperature: 21.5 } });
  });

  test('again and again, it says so', async () => {
    const sensor = await stand.opened(mcp9808);
    chip.powerCycle();
    for (let ms = 50; ms < 1000; ms += 50) stand.clock.after(ms, () => chip.powerCycle());
    await expect(stand.sample(sensor)).rejects.toMatchObject({ code: 'SENSOR_FAILED', retry: 'later' });
  });

  test('and exchanged for another, it is asked what it is before anything is written', async () => {
    const sensor = await stand.opened(mcp9808);
    written = [];
    stand.bus.attach(new Mcp9808Chip({ clock: stand.clock, truth: stand.truth, deviceId: 0x0200 }));
    await expect(stand.sample(sensor)).rejects.toMatchObject({ code: 'SENSOR_UNKNOWN' });
    expect(written).toEqual([]);
  });
});

test('a chip whose alert another program has locked is not read, until it had no power', async () => {
  tamper(CONFIG, 0x0040);
  const sensor = await stand.opened(mcp9808);
  await expect(stand.sample(sensor)).rejects.toMatchObject({
    code: 'SENSOR_FAILED',
    hint: expect.stringContaining('locked'),
  });
  chip.powerCycle();
  expect(await stand.sample(sensor)).toEqual({ metrics: { temperature: 21.5 } });
});

test('a line that nobody pulls down is no temperature', async () => {
  const sensor = await stand.opened(mcp9808);
  for (const register of [CONFIG, TEMPERATURE, 6, 7]) registers.set(register, 'ffff');
  await expect(stand.sample(sensor)).rejects.toMatchObject({ code: 'SENSOR_UNKNOWN' });
});

describe('what it is', () => {
  test.each(fixture.others)('$what is not opened, and not written to', async (other) => {
    become(other);
    await expect(stand.opened(mcp9808)).rejects.toMatchObject({
      code: 'SENSOR_UNKNOWN',
      context: { manufacturer: `0x${other['06']}`, device: `0x${other['07']}` },
    });
    expect(written).toEqual([]);
  });

  test('a later revision is one, too', async () => {
    become({ ...fixture.identity, '07': fixture.next_revision });
    expect(await stand.sample(await stand.opened(mcp9808))).toEqual({ metrics: { temperature: 21.5 } });
  });

  test('a scan finds it, takes none of the others for it, and changes nothing', async () => {
    const device = await stand.device(0x18);
    const isThere = async (): Promise<boolean | undefined> => await mcp9808.i2c?.isThere?.(device, signal);
    expect(await isThere()).toBe(true);
    become(fixture.identity);
    expect(await isThere()).toBe(true);
    for (const other of fixture.others) {
      become(other);
      expect(await isThere(), other.what).toBe(false);
    }
    expect(written).toEqual([]);
  });
});

import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { Sgp30Chip, type Sgp30Options } from '../../sim/chips/sgp30.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { SimulatedI2cBus } from '../../sim/i2c-bus.ts';
import { HeldMemory } from '../../test/no-ports.ts';
import { SimulatedI2cPorts } from '../../test/simulated-i2c-ports.ts';
import type { PushedSensor, Reading } from '../driver.ts';
import { encodeWords } from '../sensirion-words.ts';
import { sgp30 } from './sgp30.ts';

interface Fixture {
  readonly init: string;
  readonly measure: string;
  readonly getBaseline: string;
  readonly setBaseline: string;
  readonly humidity: { readonly value: number; readonly word: string; readonly code: string };
}

const fixture = JSON.parse(readFileSync(new URL('fixtures/examples.json', import.meta.url), 'utf8')) as Fixture;

const HOUR_MS = 3_600_000;
/** Of the chip with the serial number that the model has. */
const KEPT = { chip: '000001729c5b', eco2: 0x8a01, tvoc: 0x8b02 };
const MISSING: Reading = { metrics: {}, missing: ['tvoc', 'eco2', 'air_quality'] };

let clock: SteppedClock;
let memory: HeldMemory;
let bus: SimulatedI2cBus;
let chip: Sgp30Chip;
let truths: Record<string, number>;
let written: string[];

beforeEach(() => {
  clock = new SteppedClock();
  memory = new HeldMemory();
  truths = { tvoc: 143, eco2: 612 };
  use({});
});

/** From now on this chip stands on the bus. */
function use(options: Partial<Sgp30Options>): void {
  chip = new Sgp30Chip({ clock, truth: (name) => truths[name] as number, ...options });
  written = [];
  const { write } = chip;
  chip.write = (bytes) => {
    written.push(Buffer.from(bytes).toString('hex'));
    write.call(chip, bytes);
  };
  bus = new SimulatedI2cBus(chip);
}

class Listener {
  readonly #sensor: PushedSensor;
  readonly #stop = new AbortController();
  #said: Reading[] = [];
  #ended: Promise<unknown> = Promise.resolve();
  error: unknown;

  constructor(options: object = {}) {
    const ports = new SimulatedI2cPorts(bus, clock);
    const context = { clock, random: new SeededRandom(1), log: silentLog, ports, memory };
    this.#sensor = sgp30.create(sgp30.options.parse(options), context) as PushedSensor;
  }

  async open(): Promise<this> {
    const opened = this.#sensor.open(this.#stop.signal);
    await Promise.all([opened, clock.advance(200)]);
    this.#ended = this.#listen();
    return this;
  }

  /** What is said meanwhile. */
  async hear(ms: number): Promise<Reading[]> {
    this.#said = [];
    await clock.advance(ms);
    return this.#said;
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('closed'));
    await this.#ended;
    await this.#sensor.close();
  }

  async #listen(): Promise<void> {
    try {
      for await (const reading of this.#sensor.readings(this.#stop.signal)) this.#said.push(reading);
    } catch (error) {
      this.error = error;
    }
  }
}

async function opened(options: object = {}): Promise<Listener> {
  return await new Listener(options).open();
}

describe('once a second', () => {
  test('the chip is asked, to the millisecond, however long its station waits', async () => {
    const listener = await opened();
    await listener.hear(60_000);
    const gaps = chip.measuredMs.slice(1).map((atMs, index) => atMs - (chip.measuredMs[index] as number));
    expect(gaps.length).toBeGreaterThan(50);
    expect(new Set(gaps)).toEqual(new Set([1000]));
    await listener.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('and goes on so after the process stood still, without making up for what was missed', async () => {
    const listener = await opened();
    await listener.hear(20_000);
    const before = chip.measuredMs.length;
    clock.stall(5000);
    await listener.hear(3000);
    expect(chip.measuredMs.length - before).toBeLessThanOrEqual(4);
    expect((await listener.hear(3000)).length).toBe(3);
  });
});

describe('the first fifteen seconds', () => {
  test('give no values, and none that are missing', async () => {
    const listener = await opened();
    expect(await listener.hear(14_000)).toEqual([]);
    const [first] = await listener.hear(3000);
    expect(first?.metrics).toMatchObject({ tvoc: 143, eco2: 612 });
    expect(first?.missing).toBeUndefined();
  });

  test('some seconds after them clean air, which looks like them, is a value', async () => {
    truths = { tvoc: 0, eco2: 400 };
    const listener = await opened();
    await listener.hear(20_000);
    const said = await listener.hear(10_000);
    expect(said.length).toBeGreaterThan(7);
    for (const { metrics } of said) expect(metrics).toEqual({ tvoc: 0, eco2: 400, air_quality: 0 });
  });
});

test('a chip whose own clock is slow says 400 and 0 for longer, with a baseline that it was given, and they are no values', async () => {
  use({ initPhaseMs: 18_500 });
  memory.value = { ...KEPT, kept: new Date(clock.wallMs() - HOUR_MS).toISOString() };
  const listener = await opened();
  const said = await listener.hear(30_000);
  expect(said.length).toBeGreaterThan(9);
  for (const { metrics } of said) expect(metrics).toMatchObject({ tvoc: 143, eco2: 612 });
});

describe('the baseline', () => {
  test('that was kept is given back after the start, in the order that the chip wants', async () => {
    memory.value = { ...KEPT, kept: new Date(clock.wallMs() - HOUR_MS).toISOString() };
    await opened();
    const words = encodeWords([KEPT.tvoc, KEPT.eco2]).toString('hex');
    expect(written.indexOf(`${fixture.setBaseline}${words}`)).toBe(written.indexOf(fixture.init) + 1);
  });

  test('is read once an hour, and kept', async () => {
    memory.value = { ...KEPT, kept: new Date(clock.wallMs() - HOUR_MS).toISOString() };
    const listener = await opened();
    await listener.hear(HOUR_MS + 20_000);
    expect(memory.value).toEqual({ ...KEPT, kept: expect.stringMatching(/^2026-01-01T01:/) });
    // After the warm-up, and after the hour.
    expect(written.filter((each) => each === fixture.getBaseline)).toHaveLength(2);
  });

  test('of a chip is not given to another one that was put in its place', async () => {
    use({ serial: 0x0001_0172_9c5b });
    memory.value = { ...KEPT, kept: new Date(clock.wallMs() - HOUR_MS).toISOString() };
    await opened();
    expect(written).toContain(fixture.init);
    expect(written.filter((each) => each.startsWith(fixture.setBaseline))).toEqual([]);
  });

  test('goes back to a chip that had no power', async () => {
    memory.value = { ...KEPT, kept: new Date(clock.wallMs() - HOUR_MS).toISOString() };
    const listener = await opened();
    await listener.hear(20_500);
    chip.powerCycle();
    await listener.hear(2000);
    expect(written.filter((each) => each.startsWith(fixture.setBaseline))).toHaveLength(2);
  });
});

describe('a chip that had no power', () => {
  test('is begun anew at once, and gives nothing that is not true', async () => {
    const listener = await opened();
    await listener.hear(20_500);
    chip.powerCycle();
    const said = await listener.hear(40_000);
    expect(said[0]).toEqual(MISSING);
    const values = said.filter(({ missing }) => missing === undefined);
    expect(values.length).toBeGreaterThan(20);
    for (const { metrics } of values) expect(metrics).toMatchObject({ tvoc: 143, eco2: 612 });
  });

  test('in its first seconds, too', async () => {
    const listener = await opened();
    await listener.hear(5500);
    chip.powerCycle();
    const said = await listener.hear(100_000);
    const values = said.filter(({ missing }) => missing === undefined);
    expect(values.length).toBeGreaterThan(10);
    for (const { metrics } of values) expect(metrics).toMatchObject({ tvoc: 143, eco2: 612 });
  });
});

test('a chip that loses its power inside a measurement is an error, and is opened again', async () => {
  const listener = await opened();
  await listener.hear(20_000);
  chip.powerCycle();
  await listener.hear(1000);
  expect(listener.error).toMatchObject({ code: 'I2C_NO_DEVICE' });
});

describe('damaged answers', () => {
  test('are missing; the chip is not begun anew for one or two of them', async () => {
    const listener = await opened();
    await listener.hear(20_000);
    chip.hasBadCrc = true;
    expect(await listener.hear(2000)).toEqual([MISSING, MISSING]);
    chip.hasBadCrc = false;
    expect((await listener.hear(2000)).map(({ metrics }) => metrics.tvoc)).toEqual([143, 143]);
    expect(written.filter((each) => each === fixture.init)).toHaveLength(1);
  });

  test('three in a row are an error', async () => {
    const listener = await opened();
    await listener.hear(20_000);
    chip.hasBadCrc = true;
    await listener.hear(3000);
    expect(listener.error).toMatchObject({ code: 'READING_DAMAGED' });
  });
});

test('absolute humidity is written as in the data sheet, and only where it is given', async () => {
  const listener = await opened({ absolute_humidity: fixture.humidity.value });
  expect(chip.humidity.toString(16).padStart(4, '0')).toBe(fixture.humidity.word);
  await listener.stop();
  written = [];
  await opened();
  expect(written.some((each) => each.startsWith(fixture.humidity.code))).toBe(false);
});

test('values beyond what the chip can give are missing', async () => {
  const listener = await opened();
  await listener.hear(20_000);
  chip.stuck.tvoc = 0xffff;
  expect(await listener.hear(1000)).toEqual([MISSING]);
});

test('a scan finds it by its serial number', async () => {
  const { signal } = new AbortController();
  const device = new SimulatedI2cPorts(bus, clock).i2c({ bus: 'i2c-1', address: 0x58 });
  await device.open(signal);
  const isThere = async () => {
    const [there] = await Promise.all([sgp30.i2c?.isThere?.(device, signal), clock.advance(100)]);
    return there;
  };
  expect(await isThere()).toBe(true);
  chip.hasBadCrc = true;
  expect(await isThere()).toBe(false);
});

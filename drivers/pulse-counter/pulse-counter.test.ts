import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JsonValue } from '../../protocol/record.ts';
import { MooringError } from '../../runtime/errors.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { SimulatedLine } from '../../sim/pi/gpio.ts';
import { LogLines } from '../../test/log-lines.ts';
import { GpioPorts } from '../../test/simulated-gpio-ports.ts';
import type { PolledSensor, SensorMemory } from '../driver.ts';
import { pulseCounter } from './pulse-counter.ts';

interface Instruments {
  readonly amounts: readonly { readonly what: string; per_pulse: number; pulses: number; amount: number }[];
  readonly rates: readonly { readonly what: string; per_hz: number; hz: number; rate: number }[];
}

const instruments = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures/instruments.json'), 'utf8'),
) as Instruments;
const { signal } = new AbortController();

/** What a sensor keeps, with a disk that may refuse; counts its writes. */
class CountedMemory implements SensorMemory {
  value: JsonValue | undefined;
  writes = 0;
  isReadOnly = false;

  async load(): Promise<JsonValue | undefined> {
    return await Promise.resolve(this.value);
  }

  async save(value: JsonValue): Promise<void> {
    await Promise.resolve();
    if (this.isReadOnly) throw new MooringError('STATE_FAILED', 'a file of kept values cannot be written');
    this.writes += 1;
    this.value = value;
  }
}

/** A counter on a line, as one process after another has it. */
class Gauge {
  readonly clock = new SteppedClock();
  readonly line = new SimulatedLine('GPIO5', this.clock);
  readonly memory = new CountedMemory();
  readonly log = new LogLines();
  readonly #options: object;
  sensor: PolledSensor;

  constructor(options: object) {
    this.#options = { gpio: 'GPIO5', ...options };
    this.sensor = this.#process();
  }

  static async opened(options: object): Promise<Gauge> {
    const gauge = new Gauge(options);
    await gauge.sensor.open(signal);
    return gauge;
  }

  async value(): Promise<number> {
    await this.clock.advance(0);
    return Object.values((await this.sensor.sample(signal)).metrics)[0] as number;
  }

  async tips(count: number): Promise<void> {
    for (let tip = 0; tip < count; tip += 1) {
      await this.clock.advance(10);
      this.line.pulse();
    }
    await this.clock.advance(0);
  }

  /** The process ends: cleanly, or as by SIGKILL. */
  async restart({ isClean }: { readonly isClean: boolean }): Promise<void> {
    if (isClean) await this.sensor.close();
    else this.line.release();
    this.sensor = this.#process();
    await this.sensor.open(signal);
  }

  #process(): PolledSensor {
    return pulseCounter.create(pulseCounter.options.parse(this.#options), {
      clock: this.clock,
      random: new SeededRandom(1),
      log: this.log,
      ports: new GpioPorts(this.line),
      memory: this.memory,
    }) as PolledSensor;
  }
}

test.each(instruments.amounts)('$what: $pulses pulses are $amount', async ({ per_pulse, pulses, amount }) => {
  const gauge = await Gauge.opened({ per_pulse });
  await gauge.tips(pulses);
  expect(await gauge.value()).toBeCloseTo(amount, 9);
  expect(await gauge.value()).toBe(0);
});

test.each(instruments.rates)('$what: $hz Hz are $rate', async ({ per_hz, hz, rate }) => {
  const gauge = await Gauge.opened({ per_hz });
  for (let pulse = 0; pulse < 40; pulse += 1) {
    await gauge.clock.advance(1000 / hz);
    gauge.line.pulse();
    if (pulse > 0) expect(await gauge.value(), `pulse ${pulse}`).toBeCloseTo(rate, 3);
  }
});

test('at less than a pulse a sample the rate is steady, not now 0 and now double', async () => {
  const gauge = await Gauge.opened({ per_hz: 1 });
  const values: number[] = [];
  for (let second = 0; second < 30; second += 1) {
    if (second % 3 === 0) gauge.line.pulse();
    await gauge.clock.advance(1000);
    values.push(await gauge.value());
  }
  for (const value of values.slice(3)) expect(value).toBeCloseTo(1 / 3, 6);
});

test('a rate falls as the pulses stay away, and is 0 after the calm', async () => {
  const gauge = await Gauge.opened({ per_hz: 1, calm: '5s' });
  await gauge.tips(100);
  const values: number[] = [];
  for (let second = 1; second <= 6; second += 1) {
    await gauge.clock.advance(1000);
    values.push(await gauge.value());
  }
  expect(values.slice(1, 4)).toEqual([1 / 2, 1 / 3, 1 / 4]);
  expect(values.slice(4)).toEqual([0, 0]);
  // One pulse after a calm is the end of it, and no rate yet.
  gauge.line.pulse();
  await gauge.clock.advance(100);
  expect(await gauge.value()).toBe(0);
});

test('without a pulse an amount is 0, and so is a rate after a calm, which is data', async () => {
  expect(await (await Gauge.opened({ per_pulse: 0.2 })).value()).toBe(0);
  const gauge = await Gauge.opened({ per_hz: 1, calm: '5s' });
  await gauge.clock.advance(5000);
  expect(await gauge.value()).toBe(0);
});

test('a rate is missing until two pulses, or a calm, have told it: in a storm the first is not 0', async () => {
  const gauge = await Gauge.opened({ per_hz: 1, calm: '5s' });
  const unknown = { metrics: {}, missing: ['wind_speed'] };
  expect(await gauge.sensor.sample(signal)).toEqual(unknown);
  await gauge.tips(1);
  expect(await gauge.sensor.sample(signal)).toEqual(unknown);
  await gauge.tips(1);
  expect(await gauge.value()).toBe(100);
});

test('a pulse after a calm that no sample has seen is no rate yet', async () => {
  const gauge = await Gauge.opened({ per_hz: 1, calm: '5s' });
  await gauge.tips(10);
  expect(await gauge.value()).toBe(100);
  await gauge.clock.advance(9000);
  await gauge.tips(1);
  expect(await gauge.value()).toBe(0);
});

test('a contact that bounces is one pulse', async () => {
  const gauge = await Gauge.opened({ per_pulse: 1, debounce: '20ms' });
  for (const atMs of [100, 101, 104, 119, 400]) gauge.line.pulse(atMs);
  expect(await gauge.value()).toBe(2);
});

test('edges are counted as configured', async () => {
  const gauge = await Gauge.opened({ per_pulse: 1, edge: 'both', debounce: '0ms' });
  gauge.line.set(0);
  await gauge.clock.advance(5);
  gauge.line.set(1);
  expect(await gauge.value()).toBe(2);
});

test('pulses that no sample has given are given after a restart, once', async () => {
  const gauge = await Gauge.opened({ per_pulse: 1 });
  await gauge.tips(3);
  await gauge.restart({ isClean: true });
  await gauge.tips(2);
  expect(await gauge.value()).toBe(5);
  await gauge.restart({ isClean: true });
  expect(await gauge.value()).toBe(0);
});

test('a process that is killed loses what came since its last sample, and gives nothing twice', async () => {
  const gauge = await Gauge.opened({ per_pulse: 1 });
  await gauge.tips(3);
  await gauge.restart({ isClean: true });
  expect(await gauge.value()).toBe(3);
  await gauge.tips(4);
  await gauge.restart({ isClean: false });
  expect(await gauge.value()).toBe(0);
});

test('however it samples, stops and is killed, every pulse is given at most once, and with clean stops exactly once', async () => {
  const step = fc.constantFrom('tip', 'tip', 'sample', 'stop', 'kill', 'lose');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const gauge = await Gauge.opened({ per_pulse: 1 });
      let tipped = 0;
      let given = 0;
      for (const each of steps) {
        if (each === 'tip') tipped += 1;
        if (each === 'tip') await gauge.tips(1);
        else if (each === 'sample') given += await gauge.value();
        else if (each === 'lose') await lostAndBack(gauge);
        else await gauge.restart({ isClean: each === 'stop' });
        expect(given).toBeLessThanOrEqual(tipped);
      }
      given += await gauge.value();
      if (steps.includes('kill')) expect(given).toBeLessThanOrEqual(tipped);
      else expect(given).toBe(tipped);
    }),
    { numRuns: 100 },
  );
});

async function lostAndBack(gauge: Gauge): Promise<void> {
  gauge.line.isAbsent = true;
  await gauge.clock.advance(0);
  await expect(gauge.sensor.sample(signal)).rejects.toMatchObject({ code: 'PORT_LOST' });
  await gauge.sensor.close();
  gauge.line.isAbsent = false;
  await gauge.sensor.open(signal);
}

test('flash is written at a stop with pulses left over and at the start that takes them up, and never else', async () => {
  const gauge = await Gauge.opened({ per_pulse: 1 });
  for (let minute = 0; minute < 60; minute += 1) {
    await gauge.tips(7);
    if (minute % 10 === 0) await gauge.value();
  }
  await gauge.value();
  await gauge.restart({ isClean: true });
  await gauge.restart({ isClean: true });
  expect(gauge.memory.writes).toBe(0);
  await gauge.tips(1);
  await gauge.restart({ isClean: true });
  expect(gauge.memory.writes).toBe(2);
});

test('a disk that takes no writes stops no counting, and gives nothing twice', async () => {
  const gauge = await Gauge.opened({ per_pulse: 1 });
  await gauge.tips(3);
  await gauge.sensor.close();
  gauge.memory.isReadOnly = true;
  await gauge.restart({ isClean: false });
  await gauge.tips(2);
  expect(await gauge.value()).toBe(2);
  expect(gauge.log.told).toEqual(['warn: pulses from before the restart are not counted yet']);
  gauge.memory.isReadOnly = false;
  await gauge.restart({ isClean: true });
  expect(await gauge.value()).toBe(3);
});

test('pulses that could not be taken up are not lost when more are kept at the next stop', async () => {
  const gauge = await Gauge.opened({ per_pulse: 1 });
  await gauge.tips(3);
  await gauge.sensor.close();
  gauge.memory.isReadOnly = true;
  await gauge.restart({ isClean: false });
  await gauge.tips(2);
  gauge.memory.isReadOnly = false;
  await gauge.restart({ isClean: true });
  expect(await gauge.value()).toBe(5);
  await gauge.restart({ isClean: true });
  expect(await gauge.value()).toBe(0);
});

test('what was kept and is damaged is no number of pulses', async () => {
  for (const value of ['x', { pulses: -1 }, { pulses: 1.5 }, { pulses: '7' }, [1], 3, null]) {
    const gauge = new Gauge({ per_pulse: 1 });
    gauge.memory.value = value;
    await gauge.sensor.open(signal);
    expect(await gauge.value()).toBe(0);
  }
});

test('a sample that was given up before it was taken keeps its pulses', async () => {
  const gauge = await Gauge.opened({ per_pulse: 1 });
  await gauge.tips(3);
  const late = new AbortController();
  late.abort(new MooringError('DEADLINE', 'too late'));
  await expect(gauge.sensor.sample(late.signal)).rejects.toThrow('too late');
  expect(await gauge.value()).toBe(3);
});

test('amount and rate at once, or neither, is no configuration', () => {
  const bad = [{}, { per_pulse: 1, per_hz: 1 }, { per_pulse: 0 }, { per_hz: -1 }, { per_pulse: 1, metric: 'presence' }];
  for (const options of bad) expect(pulseCounter.options.safeParse({ gpio: 'GPIO5', ...options }).success).toBe(false);
  expect(pulseCounter.options.safeParse({ gpio: '5', per_pulse: 1 }).success).toBe(false);
});

test('its metric is rain for an amount and wind for a rate, or what the configuration says', () => {
  const metrics = (options: object): string[] =>
    pulseCounter.metrics(pulseCounter.options.parse({ gpio: 'GPIO5', ...options })).map(({ name }) => name);
  expect(metrics({ per_pulse: 0.2 })).toEqual(['rainfall']);
  expect(metrics({ per_hz: 1 })).toEqual(['wind_speed']);
  expect(metrics({ per_hz: 1, metric: 'speed_through_water' })).toEqual(['speed_through_water']);
});

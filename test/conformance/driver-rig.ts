import assert from 'node:assert/strict';
import { expect } from 'vitest';
import type { DriverMetric, Reading, Sensor } from '../../drivers/driver.ts';
import { metricNamed } from '../../protocol/metrics.ts';
import type { MetricValue } from '../../protocol/record.ts';
import { type ErrorCode, MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import type { SteppedClock } from '../../sim/clock.ts';
import { HeldMemory } from '../no-ports.ts';
import type { DriverSubject, DriverWorld, Outcome, Truths } from './driver.ts';

/** Longer than any conversion, and than a bus waits for anything. */
const CALL_MS_MAX = 60_000;
/** Short beside conversions, so that time does not run away while a driver waits for one. */
const STEP_MS = 2;
/** An error, an opening, and what there is then; twice. */
const RECOVERY_ATTEMPTS_MAX = 6;

/** One sensor of a subject in a world of its own, driven as the sampler drives it: one call at a time, closed after an error. */
export class DriverRig<World extends DriverWorld> {
  readonly world: World;
  readonly declared: readonly DriverMetric[];
  readonly #subject: DriverSubject<World>;
  readonly #sensor: Sensor;
  #truths: Truths;
  #stop = new AbortController();
  #isOpen = false;
  /** What a pushed sensor said and has not been looked at. */
  #said: Reading[] = [];
  #listening: Promise<unknown> | undefined;
  #ended: { readonly error: unknown } | undefined;

  constructor(subject: DriverSubject<World>) {
    this.#subject = subject;
    const options: unknown = subject.driver.options.parse(subject.options);
    this.declared = subject.driver.metrics(options);
    this.world = subject.world();
    const { clock, ports, memory = new HeldMemory() } = this.world;
    this.#sensor = subject.driver.create(options, {
      clock,
      random: new SeededRandom(1),
      log: silentLog,
      ports,
      memory,
    });
    [this.#truths] = subject.truths;
    this.world.set(this.#truths);
  }

  static async opened<World extends DriverWorld>(subject: DriverSubject<World>): Promise<DriverRig<World>> {
    const rig = new DriverRig(subject);
    await rig.open();
    return rig;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  async open(): Promise<void> {
    this.#stop = new AbortController();
    await settled(this.world.clock, this.#sensor.open(this.#stop.signal));
    this.#isOpen = true;
    if (this.#sensor.mode === 'pushed') this.#listen();
    await this.#passLag();
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    this.#stop.abort(new Error('closed'));
    await settled(this.world.clock, this.#sensor.close());
    if (this.#listening !== undefined) await settled(this.world.clock, this.#listening);
    this.#listening = undefined;
  }

  async reopen(): Promise<void> {
    await this.close();
    await this.open();
  }

  /** Sets the truths, and waits until an open sensor can know them. */
  async set(truths: Truths): Promise<void> {
    this.#truths = truths;
    this.world.set(truths);
    if (this.#isOpen) await this.#passLag();
  }

  /** A sample after a period, or all that was said in it. Whatever it says is in range, announced, and not missing at once. */
  async observe(): Promise<Reading> {
    const { clock } = this.world;
    const { periodMs = 1000 } = this.#subject;
    this.#said = [];
    await clock.advance(periodMs);
    const reading =
      this.#sensor.mode === 'polled' ? await settled(clock, this.#sensor.sample(this.#stop.signal)) : this.#saidSoFar();
    this.#expectHonest(reading);
    return reading;
  }

  /** What an observation comes to. After an error that is not to be tried again at once the sensor is closed. */
  async attempt(): Promise<Outcome> {
    try {
      const reading = await this.observe();
      const wrong = this.#wrongIn(reading);
      if (wrong.length > 0) return 'unnoticed';
      return Object.keys(this.#expected()).every((name) => reading.metrics[name] !== undefined) ? 'right' : 'missing';
    } catch (error) {
      const { code, retry } = operatingError(error);
      if (retry !== 'now' || this.#sensor.mode === 'pushed') await this.close();
      return code;
    }
  }

  /** The code of the error that `open` throws; undefined: it opened. */
  async attemptToOpen(): Promise<ErrorCode | undefined> {
    try {
      await this.open();
      return undefined;
    } catch (error) {
      return operatingError(error).code;
    }
  }

  /** Observations, and openings where it is closed, until one is right; until then each comes to one of `meanwhile`. */
  async recover(meanwhile: readonly Outcome[] = ['right', 'missing']): Promise<void> {
    const lag = this.#subject.lag ?? 0;
    await this.set(this.#subject.truths[0]);
    for (let attempt = 0; attempt < RECOVERY_ATTEMPTS_MAX + lag; attempt += 1) {
      const outcome = this.#isOpen ? await this.attempt() : await this.attemptToOpen();
      if (outcome === 'right') return;
      if (outcome !== undefined) expect(meanwhile).toContain(outcome);
    }
    expect.fail('it did not recover');
  }

  /** Begins an observation, gives it up after `afterMs`, calls `release`, and sees that it settles; the sensor is closed then. */
  async giveUp(afterMs: number, release: () => void = () => undefined): Promise<void> {
    const listening = this.#listening ?? Promise.resolve();
    await this.#giveUp(
      this.#sensor.mode === 'polled' ? this.#sensor.sample(this.#stop.signal) : listening,
      afterMs,
      release,
    );
  }

  /** The same of an opening. */
  async giveUpOpening(afterMs: number, release: () => void): Promise<void> {
    this.#stop = new AbortController();
    await this.#giveUp(this.#sensor.open(this.#stop.signal), afterMs, release);
  }

  async #giveUp(work: Promise<unknown>, afterMs: number, release: () => void): Promise<void> {
    const { clock } = this.world;
    const outcome = work.then(
      () => undefined,
      (error: unknown) => error,
    );
    await clock.advance(afterMs);
    this.#stop.abort(new MooringError('DEADLINE', 'given up'));
    await clock.advance(0);
    release();
    const error = await settled(clock, outcome);
    if (error !== undefined) operatingError(error);
    await this.close();
  }

  expectRight(reading: Reading): void {
    expect(this.#wrongIn(reading), 'wrong values').toEqual([]);
    expect(Object.keys(reading.metrics)).toEqual(expect.arrayContaining(Object.keys(this.#expected())));
  }

  #listen(): void {
    assert(this.#sensor.mode === 'pushed');
    const readings = this.#sensor.readings(this.#stop.signal);
    this.#ended = undefined;
    this.#listening = (async () => {
      try {
        for await (const reading of readings) this.#said.push(reading);
        this.#ended = { error: new Error('it stopped speaking without an error') };
      } catch (error) {
        this.#ended = { error };
      }
    })();
  }

  #saidSoFar(): Reading {
    if (this.#ended !== undefined) throw this.#ended.error as Error;
    const metrics: Record<string, MetricValue> = {};
    const missing = new Set<string>();
    for (const reading of this.#said) {
      this.#expectHonest(reading);
      Object.assign(metrics, reading.metrics);
      for (const name of Object.keys(reading.metrics)) missing.delete(name);
      for (const name of reading.missing ?? []) {
        missing.add(name);
        delete metrics[name];
      }
    }
    return { metrics, missing: [...missing] };
  }

  async #passLag(): Promise<void> {
    for (let passed = 0; passed < (this.#subject.lag ?? 0); passed += 1) await this.observe();
  }

  #expected(): Truths {
    const { expected } = this.#subject;
    const values = expected === undefined ? this.#truths : expected(this.#truths);
    return Object.fromEntries(
      Object.entries(values).filter(([name]) => this.declared.some((each) => each.name === name)),
    );
  }

  #expectHonest({ metrics, missing = [] }: Reading): void {
    const names = this.declared.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...Object.keys(metrics), ...missing]));
    for (const name of missing) expect(metrics, `${name} is missing and has a value`).not.toHaveProperty(name);
    for (const [name, value] of Object.entries(metrics)) {
      const type = metricNamed(name)?.type ?? 'number';
      expect(typeof value, name).toBe({ number: 'number', boolean: 'boolean', text: 'string' }[type]);
      if (typeof value !== 'number') continue;
      expect(Number.isFinite(value), `${name} is ${value}`).toBe(true);
      const [lowest, highest] = this.#metric(name).range ?? [-Infinity, Infinity];
      expect(value, name).toBeGreaterThanOrEqual(lowest);
      expect(value, name).toBeLessThanOrEqual(highest);
    }
  }

  #wrongIn({ metrics }: Reading): string[] {
    return Object.entries(this.#expected()).flatMap(([name, truth]) => {
      const value = metrics[name];
      if (value === undefined || value === truth) return [];
      if (typeof value !== 'number' || typeof truth !== 'number') return [`${name}: ${value}, not ${truth}`];
      const tolerance = this.#toleranceOf(name, truth);
      return Math.abs(value - truth) <= tolerance ? [] : [`${name}: ${value}, not ${truth} ± ${tolerance}`];
    });
  }

  /** One step, or what the subject says; never more than the accuracy that the driver declares. */
  #toleranceOf(name: string, truth: number): number {
    const { resolution, accuracy } = this.#metric(name);
    const step = this.#subject.tolerances?.[name] ?? resolution ?? metricNamed(name)?.resolution ?? 0;
    const declared =
      accuracy === undefined
        ? Infinity
        : Math.max(accuracy.absolute ?? 0, Math.abs(truth) * (accuracy.relative ?? 0), resolution ?? 0);
    return Math.min(step, declared) + 1e-9 * Math.max(1, Math.abs(truth));
  }

  #metric(name: string): DriverMetric {
    return this.declared.find((metric) => metric.name === name) ?? { name };
  }
}

/** Anything else that a driver throws is a bug. */
function operatingError(error: unknown): MooringError {
  if (!(error instanceof MooringError)) throw error;
  return error;
}

/** What a call comes to, the clock running on meanwhile. */
async function settled<T>(clock: SteppedClock, work: Promise<T>): Promise<T> {
  let isSettled = false;
  const note = (): void => {
    isSettled = true;
  };
  work.then(note, note);
  await clock.advance(0);
  for (let waitedMs = 0; !isSettled && waitedMs < CALL_MS_MAX; waitedMs += STEP_MS) await clock.advance(STEP_MS);
  if (!isSettled) throw new Error(`a call did not settle in ${CALL_MS_MAX} ms`);
  return await work;
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AnyDriver, DriverMetric, Ports, SensorMemory } from '../../drivers/driver.ts';
import { metricNamed } from '../../protocol/metrics.ts';
import type { MetricValue } from '../../protocol/record.ts';
import { valueAt } from '../../runtime/config/explain.ts';
import type { ErrorCode } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { AskedPorts, withoutKeys } from '../asked-ports.ts';
import { HeldMemory } from '../no-ports.ts';
import { DriverRig } from './driver-rig.ts';

/** Values by the names of metrics, in the unit that the sensor gives. */
export type Truths = Readonly<Record<string, MetricValue>>;

/** Where a driver lives in its tests: ports with a model of its device behind them, on a clock that is stepped. */
export interface DriverWorld {
  readonly clock: SteppedClock;
  readonly ports: Ports;
  /** What the sensor keeps; left out: an empty one. */
  readonly memory?: SensorMemory;
  /** What is true around the sensor from now on. */
  set(truths: Truths): void;
}

/**
 * What an observation may come to. `right`: every metric, within its tolerance. `missing`: some say that they are missing,
 * or nothing came; the others are right. `unnoticed`: a wrong number inside the sensor's range, which is to be allowed only
 * where nothing on the wire could tell. Else the code of the `MooringError`.
 */
export type Outcome = 'right' | 'missing' | 'unnoticed' | ErrorCode;

/** Something that goes wrong and, later, is well again. */
export interface DriverFault<World> {
  /** Ends the sentence `works again after …`: `a chip that does not acknowledge`. */
  readonly name: string;
  begin(world: World): void;
  end(world: World): void;
  /** What `open` throws while it lasts, one of these; left out: `open` is not tried. */
  readonly atOpen?: readonly ErrorCode[];
  /** What observations come to while it lasts, each one of these; left out: it is not tried while the sensor is open. */
  readonly atSample?: readonly Outcome[];
}

/** A driver, and all that the suite needs to know of it. */
export interface DriverSubject<World extends DriverWorld = DriverWorld> {
  readonly driver: AnyDriver;
  /** `chip`: it declares range, resolution and accuracy. `protocol`: those are the matter of what is on the other end. */
  readonly kind: 'chip' | 'protocol';
  /** The driver's keys, as a configuration has them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** A world of its own for each test, its device present and well. */
  world(): World;
  /** A grid of truths, from the lowest to the highest that the device can tell. The first is the usual one. */
  readonly truths: readonly [Truths, ...Truths[]];
  /** What the sensor gives for them; left out: the truths themselves, those that are metrics of the driver. */
  expected?(truths: Truths): Truths;
  /** Truths that the device cannot tell: at least one metric is missing or the reading damaged, and no number is wrong. */
  readonly beyond?: readonly Truths[];
  /** How far from the truth a value may be where the model adds no error of its own; left out: one step of the sensor. */
  readonly tolerances?: Readonly<Record<string, number>>;
  /** Time between two observations, in milliseconds: between samples, or that a pushed sensor is listened to. Default 1000. */
  readonly periodMs?: number;
  /** Observations after an opening or a change of the truths that may not know them yet. Default 0. */
  readonly lag?: number;
  readonly faults: readonly DriverFault<World>[];
  /** A call that does not come back before `end`. */
  readonly hang?: Pick<DriverFault<World>, 'begin' | 'end'>;
  /** The device loses its power for a moment. */
  powerCycle?(world: World): void;
}

/** How long a call that hangs is waited for. */
const PATIENCE_MS = 5000;

const drivers = join(import.meta.dirname, '..', '..', 'drivers');

/** What every driver must keep, whatever it reads. */
export function driverConformance<World extends DriverWorld>(subject: DriverSubject<World>): void {
  describe(`driver ${subject.driver.name}`, () => {
    describeDeclaration(subject);
    describeReadings(subject);
    describeFaults(subject);
  });
}

function describeDeclaration({ driver, options, kind }: Pick<DriverSubject, 'driver' | 'options' | 'kind'>): void {
  const metrics = driver.metrics(driver.options.parse(options));

  test('its metrics are those of the registry or `x_…`, each once', () => {
    expect(metrics.length).toBeGreaterThan(0);
    expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length);
    for (const { name } of metrics) expect(metricNamed(name) !== undefined || name.startsWith('x_'), name).toBe(true);
  });

  test('what it says of its metrics makes sense, and a chip says all of it', () => {
    for (const metric of metrics) {
      const { name, range, resolution, accuracy } = metric;
      if (range !== undefined) expect(range[0], name).toBeLessThan(range[1]);
      if (resolution !== undefined) expect(resolution, name).toBeGreaterThan(0);
      if (accuracy !== undefined) expect(accuracy.absolute ?? accuracy.relative, name).toBeGreaterThan(0);
      if (kind === 'protocol' || !isNumber(metric)) continue;
      expect(metric, name).toMatchObject({
        range: expect.anything(),
        resolution: expect.anything(),
        accuracy: expect.anything(),
      });
    }
  });

  test('the places that it says it has are those that it asks the machine for, each said by a key that it knows', () => {
    const ports = new AskedPorts();
    const parsed: unknown = driver.options.parse(options);
    const context = {
      clock: new SteppedClock(),
      random: new SeededRandom(1),
      log: silentLog,
      memory: new HeldMemory(),
    };
    driver.create(parsed, { ...context, ports });
    const places = driver.places?.(parsed) ?? [];
    expect(places.map(withoutKeys)).toEqual(ports.asked);
    for (const { at } of places) expect(valueAt(parsed, at), at.join('.')).toBeDefined();
  });

  if (kind === 'chip') {
    test('its README has the table of its metrics', () => {
      const readme = readFileSync(join(drivers, driver.name, 'README.md'), 'utf8');
      expect(readme).toContain(`<!-- metrics: ${driver.name} -->`);
    });
  }
}

function describeReadings<World extends DriverWorld>(subject: DriverSubject<World>): void {
  const [usual] = subject.truths;

  test('it gives every metric that it announces, and no other', async () => {
    const rig = await DriverRig.opened(subject);
    const given = new Set<string>();
    for (const truths of subject.truths) {
      await rig.set(truths);
      for (const name of Object.keys((await rig.observe()).metrics)) given.add(name);
    }
    await rig.close();
    expect([...given].sort()).toEqual(rig.declared.map(({ name }) => name).sort());
  });

  test.each(subject.truths.map((truths) => [JSON.stringify(truths), truths] as const))(
    'it gives %s as they are',
    async (_, truths) => {
      const rig = await DriverRig.opened(subject);
      await rig.set(truths);
      rig.expectRight(await rig.observe());
      rig.expectRight(await rig.observe());
      await rig.close();
    },
  );

  test.each((subject.beyond ?? []).map((truths) => [JSON.stringify(truths), truths] as const))(
    '%s is beyond it, and gives no number for what it cannot tell',
    async (_, truths) => {
      const rig = await DriverRig.opened(subject);
      await rig.set(truths);
      expect(['missing', 'READING_DAMAGED']).toContain(await rig.attempt());
      await rig.recover();
      await rig.close();
    },
  );

  test('it reads again after it was closed and opened, with another truth', async () => {
    const rig = await DriverRig.opened(subject);
    rig.expectRight(await rig.observe());
    await rig.close();
    await rig.set(subject.truths.at(-1) ?? usual);
    await rig.open();
    rig.expectRight(await rig.observe());
    await rig.close();
    await rig.close();
  });

  test('it may be closed before it was opened, and leaves nothing behind on the clock', async () => {
    const rig = new DriverRig(subject);
    await rig.close();
    const before = rig.world.clock.pendingTimers;
    await rig.open();
    await rig.observe();
    await rig.close();
    expect(rig.world.clock.pendingTimers).toBeLessThanOrEqual(before);
  });

  test('a call that is given up settles, and the next one is right', async () => {
    const rig = await DriverRig.opened(subject);
    await rig.giveUp(0);
    await rig.recover();
    await rig.close();
  });
}

function describeFaults<World extends DriverWorld>(subject: DriverSubject<World>): void {
  const { faults, hang, powerCycle } = subject;

  test.each(faults.filter(({ atOpen }) => atOpen !== undefined).map((fault) => [fault.name, fault] as const))(
    'it is not opened with %s, and opens when that is over',
    async (_, { begin, end, atOpen }) => {
      const rig = new DriverRig(subject);
      begin(rig.world);
      for (let attempt = 0; attempt < 2; attempt += 1) expect(atOpen).toContain(await rig.attemptToOpen());
      await rig.close();
      expect(atOpen).toContain(await rig.attemptToOpen());
      end(rig.world);
      await rig.reopen();
      rig.expectRight(await rig.observe());
      await rig.close();
    },
  );

  test.each(faults.filter(({ atSample }) => atSample !== undefined).map((fault) => [fault.name, fault] as const))(
    'it gives no wrong number with %s, and works again when that is over',
    async (_, { begin, end, atOpen = [], atSample = [] }) => {
      const rig = await DriverRig.opened(subject);
      rig.expectRight(await rig.observe());
      begin(rig.world);
      for (let attempt = 0; attempt < 3; attempt += 1) {
        // A sensor that had to be closed is opened again first, which may fail for the same reason.
        if (rig.isOpen) expect(atSample).toContain(await rig.attempt());
        else expect([...atSample, ...atOpen, undefined]).toContain(await rig.attemptToOpen());
      }
      end(rig.world);
      await rig.recover();
      await rig.close();
    },
  );

  test('it can be disturbed while it reads', () => {
    expect(faults.some(({ atSample }) => atSample !== undefined)).toBe(true);
  });

  if (hang !== undefined) {
    test('a bus that hangs while it is opened keeps it waiting no longer than the bus does', async () => {
      const rig = new DriverRig(subject);
      hang.begin(rig.world);
      await rig.giveUpOpening(PATIENCE_MS, () => hang.end(rig.world));
      await rig.recover();
      await rig.close();
    });

    test('a bus that hangs keeps it waiting no longer than the bus does', async () => {
      const rig = await DriverRig.opened(subject);
      hang.begin(rig.world);
      await rig.giveUp(PATIENCE_MS, () => hang.end(rig.world));
      await rig.recover();
      await rig.close();
    });
  }

  if (powerCycle !== undefined) {
    test('it gives no wrong number after its device had no power', async () => {
      const rig = await DriverRig.opened(subject);
      rig.expectRight(await rig.observe());
      powerCycle(rig.world);
      await rig.recover(['right', 'missing', 'READING_DAMAGED', 'SENSOR_FAILED', 'I2C_NO_DEVICE', 'BUS_FAILED']);
      await rig.close();
    });
  }
}

function isNumber({ name }: DriverMetric): boolean {
  return (metricNamed(name)?.type ?? 'number') === 'number';
}

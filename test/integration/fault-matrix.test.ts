/** One device on one bus does its worst: the others keep their schedule, the records say what is wrong, and it comes back by itself. */
import { expect, test } from 'vitest';
import type { StationConfig } from '../../daemon/config/config.ts';
import { metricNamesOf } from '../../daemon/sampling/station.ts';
import { SimulatedPi } from '../simulated-pi.ts';
import { FAULT_CASES, type FaultCase, MATRIX } from './fault-matrix-cases.ts';

/** In the middle of a second; ticks come at whole ones. All moments that follow are milliseconds since then. */
const START = Date.UTC(2026, 2, 4, 9, 59, 59, 500);
/** The fan of the dust sensor runs evenly. Between two ticks, and between two of two seconds. */
const BEGIN_MS = 18_450;
/** All are as they are when nothing is wrong. */
const CALM_MS = 14_000;
const FAULT_MS: Readonly<Record<FaultCase['fault'], number>> = {
  hangs: 16_000,
  'does not answer': 16_000,
  babbles: 16_000,
  disappears: 30_000,
};
/** Time-outs of what speaks by itself, after which its values are stale; others are missed at the next tick. */
const NOTICED_MS: Readonly<Record<string, number>> = { boat: 4500, dust: 4500 };
/** The longest wait between two attempts to open a sensor, and the longest such attempt. */
const BACK_MS = 40_000;
/** A fan that starts again: values are missing, as they should be. */
const WARM_UP_MS: Readonly<Record<string, number>> = { dust: 10_000 };
/** Nothing else happens in this time. */
const AFTER_MS = 14_000;

interface Played {
  readonly pi: SimulatedPi;
  readonly endMs: number;
}

async function played({ fault, victims, begin, end }: FaultCase): Promise<Played> {
  const pi = new SimulatedPi(MATRIX, START);
  const { machine } = pi.simulation;
  await pi.run(BEGIN_MS / 1000);
  begin(machine);
  await pi.clock.advance(FAULT_MS[fault]);
  end(machine);
  const endMs = pi.clock.monotonicMs();
  const isBack = (station: string): boolean => eventsOf(pi, station).length >= 2;
  while (pi.clock.monotonicMs() - endMs < BACK_MS && !Object.keys(victims).every(isBack)) await pi.clock.advance(1000);
  await pi.clock.advance(AFTER_MS);
  return { pi, endMs };
}

function eventsOf(pi: SimulatedPi, station: string): readonly (readonly unknown[])[] {
  return pi.observations
    .filter(({ kind, station: each }) => kind === 'event' && each === station)
    .map(({ info }) => [info?.event, ...(info?.code === undefined ? [] : [info.code])]);
}

interface Tick {
  readonly dueMs: number;
  readonly lateMs: number;
  readonly values: readonly string[];
  readonly flags: Readonly<Record<string, number>>;
}

function ticksOf(pi: SimulatedPi, station: string): Tick[] {
  return pi.samples
    .filter((sample) => sample.station === station)
    .map(({ timestampMs, atMs, metrics, flags }) => {
      const dueMs = timestampMs - START;
      return { dueMs, lateMs: Math.round(atMs - dueMs), values: Object.keys(metrics), flags };
    });
}

function expectEveryTick(ticks: readonly Tick[], everyMs: number): void {
  expect(ticks.length).toBeGreaterThan(20);
  for (const [index, tick] of ticks.entries()) expect(tick.dueMs).toBe((ticks[0] as Tick).dueMs + index * everyMs);
}

/** Each tick has a record with all values, and none is later than when nothing was wrong. */
function expectUndisturbed(pi: SimulatedPi, station: StationConfig, inTurnMs: number): void {
  const ticks = ticksOf(pi, station.name);
  const metrics = station.sensors.flatMap(metricNamesOf);
  expectEveryTick(ticks, station.everyMs);
  const isCalm = ({ dueMs }: Tick): boolean => dueMs >= CALM_MS && dueMs <= BEGIN_MS;
  const usualMs = Math.max(...ticks.filter(isCalm).map(({ lateMs }) => lateMs));
  for (const { values, flags, lateMs } of ticks.filter(({ dueMs }) => dueMs >= CALM_MS)) {
    expect({ values, flags }).toEqual({ values: expect.arrayContaining(metrics), flags: {} });
    expect(lateMs).toBeLessThanOrEqual(usualMs + inTurnMs);
  }
}

/** Its record comes all the same, within its deadline, and says that the values are missing until they are back. */
function expectFlagged(pi: SimulatedPi, station: StationConfig, endMs: number): void {
  const ticks = ticksOf(pi, station.name);
  const metrics = station.sensors.flatMap(metricNamesOf);
  const deadlineMs = Math.max(...station.sensors.map((sensor) => sensor.deadlineMs));
  expectEveryTick(ticks, station.everyMs);
  const missing = Object.fromEntries(metrics.map((name) => [name, 9]));
  const noticedMs = BEGIN_MS + (NOTICED_MS[station.name] ?? 0);
  const during = ticks.filter(({ dueMs }) => dueMs > noticedMs && dueMs < endMs);
  expect(during.length).toBeGreaterThan(4);
  for (const { values, flags } of during) expect({ values, flags }).toEqual({ values: [], flags: missing });
  for (const { lateMs } of ticks) expect(lateMs).toBeLessThanOrEqual(deadlineMs);
  const backMs = lastEventMs(pi, station.name) + (WARM_UP_MS[station.name] ?? 0);
  const after = ticks.filter(({ dueMs }) => dueMs > backMs);
  expect(after.length).toBeGreaterThan(2);
  for (const { values, flags } of after) {
    expect({ values, flags }).toEqual({ values: expect.arrayContaining(metrics), flags: {} });
  }
}

function lastEventMs(pi: SimulatedPi, station: string): number {
  const event = pi.observations.findLast(({ kind, station: each }) => kind === 'event' && each === station);
  return event?.atMs ?? Infinity;
}

test.each(FAULT_CASES)('$bus, $fault: $what', async (given) => {
  const { pi, endMs } = await played(given);
  const { victims, inTurn = {} } = given;
  for (const station of pi.config.stations) {
    const code = victims[station.name];
    const told = code === undefined ? [] : [['sensor_failed', code], ['sensor_back']];
    expect(eventsOf(pi, station.name), station.name).toEqual(told);
    if (code === undefined) expectUndisturbed(pi, station, inTurn[station.name] ?? 0);
    else expectFlagged(pi, station, endMs);
  }
  expect(pi.untrue).toEqual([]);
  await pi.stop();
});

test('each bus is tried with all that a device can do to it', () => {
  const tried = new Set(FAULT_CASES.map(({ bus, fault }) => `${bus} ${fault}`));
  const buses = new Set(FAULT_CASES.map(({ bus }) => bus));
  expect([buses.size, tried.size]).toEqual([6, 6 * Object.keys(FAULT_MS).length]);
});

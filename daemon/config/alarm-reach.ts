import { BOUNDS, type MetricValue } from '../../protocol/record.ts';
import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import type { AlarmSettings, MetricCondition } from '../alarms/settings.ts';
import type { MetricRules } from '../quality/rules.ts';
import type { KnownStation } from './alarm-stations.ts';
import { definitionOf } from './checks.ts';
import { eventBytesMax } from './record-size.ts';
import type { MetricExtension } from './types.ts';

/** What is checked of an alarm at `path`. */
export interface PlacedAlarm {
  readonly path: Path;
  readonly settings: AlarmSettings;
}

/** Reports what an alarm could never see at its stations, or see in each pause between two values, and records that are too large. */
export function checkReach(
  reader: ConfigReader,
  { path, settings }: PlacedAlarm,
  known: readonly KnownStation[],
  extensions: readonly MetricExtension[],
): void {
  const stations = known.filter(({ name }) => settings.stations.includes(name));
  const { tests } = settings.condition;
  for (const [index, condition] of tests.entries()) {
    const list = ['all', 'any'].find((key) => reader.valueAt([...path, key]) !== undefined);
    const at = list === undefined ? path : [...path, list, index];
    checkCadence(reader, at, condition, stations);
    checkFlag(reader, at, condition, stations);
  }
  checkRecordSize(reader, { path, settings }, extensions);
}

/** A sensor that speaks by itself says when it will: only of one that is asked it is known. */
function checkCadence(reader: ConfigReader, path: Path, condition: MetricCondition, stations: readonly KnownStation[]) {
  const { metric, test } = condition;
  const [key, durationMs] =
    test.kind === 'stale'
      ? (['stale', test.forMs] as const)
      : test.kind === 'rises' || test.kind === 'falls'
        ? (['within', test.withinMs] as const)
        : [undefined, 0];
  if (key === undefined) return;
  const slow = stations.find(({ everyMs }) => (everyMs.get(metric) ?? 0) >= durationMs);
  if (slow === undefined) return;
  const message = `is too short for \`${slow.name}\`, which measures it every ${(slow.everyMs.get(metric) ?? 0) / 1000}s`;
  const hint = key === 'stale' ? 'It would be raised between any two values.' : 'It has to span two values.';
  reader.report([...path, key], 'value', message, hint);
}

function checkFlag(
  reader: ConfigReader,
  path: Path,
  { metric, test }: MetricCondition,
  stations: readonly KnownStation[],
): void {
  if (test.kind !== 'flag' || stations.length === 0) return;
  if (stations.some(({ rules }) => mayFlag(rules[metric] ?? {}, test.from))) return;
  const message = `no rule gives it to \`${metric}\``;
  reader.report([...path, 'flag'], 'value', message, 'Write one under `quality`: without it this never holds.');
}

function mayFlag({ outlier, ...rules }: MetricRules, from: 3 | 4): boolean {
  const { grossRange, climatology = [], spike, rateOfChange, flatLine, attenuated } = rules;
  const limits = [grossRange, spike, rateOfChange, flatLine?.durationMs, attenuated];
  const all = [...limits, ...climatology.map((member) => member.limits)].filter((each) => each !== undefined);
  return from === 3 ? all.length > 0 || outlier !== undefined : all.some(({ fail }) => fail !== undefined);
}

function checkRecordSize(
  reader: ConfigReader,
  { path, settings }: PlacedAlarm,
  extensions: readonly MetricExtension[],
): void {
  const { name: alarm, level, stations, condition } = settings;
  const [first, second] = condition.tests;
  if (first === undefined || second === undefined) return;
  const values = Object.fromEntries(
    condition.tests.map(({ metric }, index) => [metric, longestValue(definitionOf(metric, extensions)?.type, index)]),
  );
  const info = { event: 'acknowledged', alarm, level, seconds: 1 / 3, values };
  const bytes = Math.max(0, ...stations.map((station) => eventBytesMax(station, info)));
  if (bytes <= BOUNDS.recordBytes) return;
  const message = `a record of it may take ${bytes} bytes, ${BOUNDS.recordBytes} are allowed`;
  reader.report(path, 'key', message, 'Make two alarms of it, with fewer texts each.');
}

/** Texts that differ: one that stands in a record twice is written once. */
function longestValue(type: MetricExtension['type'] | undefined, index: number): MetricValue {
  if (type === 'boolean') return true;
  return type === 'text' ? String.fromCodePoint(0xe0 + index).repeat(BOUNDS.textBytes / 2) : 1 / 3;
}

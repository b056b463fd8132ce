import type { z } from 'zod';
import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import { didYouMean } from '../../runtime/config/suggest.ts';
import { ALARM_PRESETS } from '../alarms/presets.ts';
import type { AlarmCondition, AlarmLevel, AlarmSettings } from '../alarms/settings.ts';
import { conditionAt, conditionsIn } from './alarm-conditions.ts';
import { checkReach, type PlacedAlarm } from './alarm-reach.ts';
import { alarmSchema, TESTS } from './alarm-schema.ts';
import { type KnownStation, stationsFor } from './alarm-stations.ts';
import type { MetricExtension } from './types.ts';

type AlarmKeys = z.output<typeof alarmSchema>;

/** What `alarms` says, presets expanded. Reports what does not fit; what has the wrong form has been reported. */
export function readAlarms(
  reader: ConfigReader,
  stations: readonly KnownStation[],
  extensions: readonly MetricExtension[],
): AlarmSettings[] {
  const list = reader.valueAt(['alarms']);
  if (!Array.isArray(list)) return [];
  const placed = list.flatMap((value, index): PlacedAlarm[] => {
    const parsed = alarmSchema.safeParse(value);
    const path = ['alarms', index];
    return parsed.success ? new AlarmReader(reader, path, parsed.data, stations, extensions).read() : [];
  });
  checkNames(reader, placed);
  for (const alarm of placed) checkReach(reader, alarm, stations, extensions);
  return placed.map(({ settings }) => settings);
}

/** What an alarm is about: exactly one of these keys. */
const SUBJECTS = ['preset', 'metric', 'all', 'any'] as const;
/** What a preset says by itself. */
const PRESET_KEYS = ['name', 'metric', 'all', 'any', 'level', 'clear', 'within', ...TESTS] as const;

class AlarmReader {
  readonly #reader: ConfigReader;
  readonly #path: Path;
  readonly #keys: AlarmKeys;
  readonly #stations: readonly KnownStation[];
  readonly #extensions: readonly MetricExtension[];

  constructor(
    reader: ConfigReader,
    path: Path,
    keys: AlarmKeys,
    stations: readonly KnownStation[],
    extensions: readonly MetricExtension[],
  ) {
    this.#reader = reader;
    this.#path = path;
    this.#keys = keys;
    this.#stations = stations;
    this.#extensions = extensions;
  }

  read(): PlacedAlarm[] {
    this.#checkActuators();
    const { preset } = this.#keys;
    return preset === undefined ? this.#one() : this.#ofPreset(preset);
  }

  #ofPreset(preset: keyof typeof ALARM_PRESETS): PlacedAlarm[] {
    for (const key of PRESET_KEYS.filter((each) => this.#keys[each] !== undefined)) {
      this.#report([key], 'key', 'is said by `preset` already', 'Remove it, or `preset`.');
    }
    const stations = stationsFor(this.#reader, this.#path, this.#keys.station, [preset], this.#stations);
    return ALARM_PRESETS[preset].map(({ name, level, above, clear }) => {
      const tests = [{ metric: preset, test: { kind: 'above', limit: above, clear } as const }];
      return this.#settingsOf(name, level, stations, { when: 'all', tests });
    });
  }

  #one(): PlacedAlarm[] {
    const { name, level = 'warning', station } = this.#keys;
    if (name === undefined) this.#report([], 'key', 'has no name', 'Add `name`: it stands in every record of it.');
    const condition = this.#condition();
    if (condition === undefined || name === undefined) return [];
    const metrics = condition.tests.map(({ metric }) => metric);
    const stations = stationsFor(this.#reader, this.#path, station, metrics, this.#stations);
    return [this.#settingsOf(name, level, stations, condition)];
  }

  #condition(): AlarmCondition | undefined {
    const keys = this.#keys;
    const [subject, second] = SUBJECTS.filter((key) => keys[key] !== undefined);
    if (subject === undefined) {
      this.#report([], 'key', 'says not what it looks at', 'Add `metric`, or `all` or `any` with several.');
      return undefined;
    }
    if (second !== undefined) {
      this.#report([second], 'key', `stands beside \`${subject}\``, 'Make two alarms of it, or one list.');
      return undefined;
    }
    if (subject === 'all' || subject === 'any') {
      for (const key of [...TESTS, 'clear', 'within'] as const) {
        if (keys[key] === undefined) continue;
        this.#report([key], 'key', `stands beside \`${subject}\``, 'Put it into the list, with its `metric`.');
      }
      const path = [...this.#path, subject];
      const tests = conditionsIn(this.#reader, path, keys[subject] ?? [], this.#extensions, keys.use);
      return tests === undefined ? undefined : { when: subject, tests };
    }
    const { metric = '' } = keys;
    const test = conditionAt(this.#reader, this.#path, { ...keys, metric }, this.#extensions, keys.use);
    return test === undefined ? undefined : { when: 'all', tests: [test] };
  }

  #settingsOf(name: string, level: AlarmLevel, stations: readonly string[], condition: AlarmCondition): PlacedAlarm {
    const keys = this.#keys;
    return {
      path: this.#path,
      settings: {
        name,
        stations,
        level,
        condition,
        isForGoodOnly: keys.use === 'good',
        afterMs: keys.after,
        clearAfterMs: keys.clear_after,
        isLatched: keys.latch,
        silenceMs: keys.silence,
        actuators: keys.do,
        escalation: keys.escalate.map((step) => ({ afterMs: step.after, actuators: step.do })),
      },
    };
  }

  #checkActuators(): void {
    const { escalate } = this.#keys;
    this.#checkKnown(['do'], this.#keys.do);
    for (const [index, step] of escalate.entries()) {
      this.#checkKnown(['escalate', index, 'do'], step.do);
      this.#checkNew(['escalate', index, 'do'], step.do, [this.#keys, ...escalate.slice(0, index)]);
      const before = escalate[index - 1];
      if (before === undefined || step.after > before.after) continue;
      this.#report(['escalate', index, 'after'], 'value', 'is no later than the step before it', 'Put them in order.');
    }
  }

  #checkKnown(path: Path, names: readonly string[]): void {
    const known = Object.keys(this.#reader.mappingAt(['actuators']) ?? {});
    for (const [index, name] of names.entries()) {
      if (known.includes(name)) continue;
      const there = known.length === 0 ? '' : `There are: ${known.join(', ')}.`;
      const hint = didYouMean(name, known) || there || 'Define it under `actuators`.';
      this.#report([...path, index], 'value', `there is no actuator \`${name}\``, hint);
    }
  }

  /** What plays already does not begin anew. */
  #checkNew(path: Path, names: readonly string[], before: readonly { readonly do: readonly string[] }[]): void {
    for (const [index, name] of names.entries()) {
      if (!before.some((step) => step.do.includes(name))) continue;
      this.#report([...path, index], 'value', `\`${name}\` plays already`, 'A step begins other actuators.');
    }
  }

  #report(path: Path, at: 'key' | 'value', message: string, hint: string): void {
    this.#reader.report([...this.#path, ...path], at, message, hint);
  }
}

/** A name stands for one alarm of a station; the same name may be another alarm of another station. */
function checkNames(reader: ConfigReader, placed: readonly PlacedAlarm[]): void {
  const firstOf = new Map<string, Path>();
  for (const { settings, path } of placed) {
    const taken = settings.stations.find((station) => firstOf.has(`${station}/${settings.name}`));
    for (const station of settings.stations) {
      const key = `${station}/${settings.name}`;
      if (!firstOf.has(key)) firstOf.set(key, path);
    }
    if (taken === undefined) continue;
    const first = firstOf.get(`${taken}/${settings.name}`) as Path;
    const key = reader.valueAt([...path, 'preset']) === undefined ? 'name' : 'preset';
    const message = `another alarm of \`${taken}\`, in line ${reader.lineOf(first)}, is named \`${settings.name}\``;
    reader.report([...path, key], 'value', message, 'Rename one, or give each a `station` of its own.');
  }
}

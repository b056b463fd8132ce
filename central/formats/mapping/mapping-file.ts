import assert from 'node:assert/strict';
import { metricNamed } from '../../../protocol/metrics.ts';
import type { MetricValue } from '../../../protocol/record.ts';
import type { Path } from '../../../runtime/config/document.ts';
import { ConfigReader } from '../../../runtime/config/reader.ts';
import { didYouMean } from '../../../runtime/config/suggest.ts';
import type { MetricRule, MetricTable } from '../metric-names.ts';
import { TimeZone } from '../time-zone.ts';
import { columnPathOf, type FieldPath, fieldPathOf } from './field-path.ts';
import type { FieldRule, Mapping, MetricField, NamedValues, PlaceRule } from './mapping-rules.ts';
import { type MappingKeys, mappingSchema } from './mapping-schema.ts';
import { checkForeignMetric, checkUnit, checkWords } from './metric-checks.ts';
import { needsZone, type TimePattern, timePatternOf } from './time-rule.ts';

type FieldKeys = MappingKeys['source_id'] extends infer Id ? Exclude<Id, readonly unknown[]> : never;
type MetricKeys = NonNullable<MappingKeys['metrics']>[string];

export interface MappingFileOptions {
  /** The source's zone, for wall clocks of which the mapping names none. */
  readonly zone?: TimeZone | undefined;
}

/** Reads and checks a mapping. Throws `CONFIG_INVALID` with every problem in it, or `CONFIG_UNREADABLE`. */
export function loadMapping(file: string, options: MappingFileOptions = {}): Mapping {
  const reader = new ConfigReader(file);
  const keys = reader.parse(mappingSchema, []);
  const mapping = keys === undefined ? undefined : new MappingFile(reader, keys, options).mapping();
  reader.throwIfInvalid();
  assert(mapping !== undefined, 'what does not parse has a problem');
  return mapping;
}

/** Kept by `info` of a foreign record itself. */
const OWN_INFO: ReadonlySet<string> = new Set([
  'source_id',
  'source_time',
  'source_time_local',
  'time_from',
  'tags',
  'unit',
]);

class MappingFile {
  readonly #reader: ConfigReader;
  readonly #keys: MappingKeys;
  readonly #options: MappingFileOptions;
  readonly #isDelimited: boolean;
  readonly #table = new Map<string, MetricRule>();

  constructor(reader: ConfigReader, keys: MappingKeys, options: MappingFileOptions) {
    this.#reader = reader;
    this.#keys = keys;
    this.#options = options;
    this.#isDelimited = keys.message === 'delimited';
  }

  mapping(): Mapping {
    const { each, separator, columns, quotes, decimal, source_id, info = {}, metrics = {} } = this.#keys;
    this.#checkShape();
    const ids = Array.isArray(source_id) ? source_id : [source_id];
    return {
      each: each === undefined || this.#isDelimited ? undefined : this.#path(each, ['each']),
      lines: this.#isDelimited ? { separator: separator ?? '', columns: columns ?? [], quotes } : undefined,
      decimal,
      sourceId: ids.map((id, index) =>
        this.#field(id, Array.isArray(source_id) ? ['source_id', index] : ['source_id']),
      ),
      time: this.#time(),
      metrics: Object.entries(metrics).map(([metric, field]) => this.#metric(metric, field)),
      named: this.#named(),
      table: this.#table as MetricTable,
      location: this.#location(),
      info: Object.entries(info).map(([name, field]) => {
        const path = ['info', name];
        if (OWN_INFO.has(name))
          this.#reader.report(path, 'key', 'is a name that records use themselves', 'Choose another.');
        return [name, this.#field(field, path)];
      }),
    };
  }

  /** Reports keys that go with the other kind of message, and ones that are missing. */
  #checkShape(): void {
    const { metrics, named } = this.#keys;
    const has = (key: string): boolean => Object.hasOwn(this.#reader.data, key);
    const [own, other] = this.#isDelimited ? [LINE_KEYS, JSON_KEYS] : [JSON_KEYS, LINE_KEYS];
    for (const key of other.filter(has)) {
      this.#reader.report([key], 'key', `does not go with \`message: ${this.#keys.message}\``, 'Remove it.');
    }
    for (const key of own === LINE_KEYS ? ['separator', 'columns'] : []) {
      if (!has(key)) this.#reader.report([key], 'key', 'missing', LINES_HINT);
    }
    if (named === undefined && Object.keys(metrics ?? {}).length === 0) {
      const hint = 'Write `metrics: { temperature: PATH }`, or `named` for values that come with their names.';
      this.#reader.report(['metrics'], 'key', 'nothing says where values are', hint);
    }
    const { columns = [] } = this.#keys;
    for (const [index, column] of columns.entries()) {
      if (columns.indexOf(column) < index && column !== IGNORED_COLUMN) {
        this.#reader.report(
          ['columns', index],
          'value',
          'stands twice',
          `Name what is not used \`${IGNORED_COLUMN}\`.`,
        );
      }
    }
  }

  #path(written: string, at: Path): FieldPath {
    const path = this.#isDelimited ? columnPathOf(written) : fieldPathOf(written);
    const columns = (this.#keys.columns ?? []).filter((column) => column !== IGNORED_COLUMN);
    const known = columns.length === 0 ? 'Write `columns` first.' : `The columns are ${columns.join(', ')}.`;
    if (path === undefined) {
      this.#reader.report(at, 'value', 'is not a path', PATH_HINT);
    } else if (this.#isDelimited && path.from === 'message') {
      this.#reader.report(at, 'value', 'is not a column', known);
    } else if (this.#isDelimited && path.from === 'entry' && !columns.includes(written)) {
      const hint = didYouMean(written, columns) || known;
      this.#reader.report(at, 'value', 'is not a column', hint);
    }
    return path ?? { from: 'entry', parts: [], written };
  }

  #field(keys: FieldKeys, at: Path): FieldRule {
    if (typeof keys === 'string') return { path: this.#path(keys, at) };
    const { field, constant } = keys;
    if ((field === undefined) === (constant === undefined)) {
      this.#reader.report(at, 'value', 'says neither `field` nor `constant`, or both', 'Write one of them.');
    }
    return field === undefined ? { constant: constant ?? '' } : { path: this.#path(field, [...at, 'field']) };
  }

  #time(): Mapping['time'] {
    const { time } = this.#keys;
    if (time === undefined) return undefined;
    const { field, form } = time;
    const fields = typeof field === 'string' ? [field] : field;
    const zone = time.zone === undefined ? this.#options.zone : this.#zone(time.zone);
    if (needsZone(form) && zone === undefined && time.zone === undefined) {
      const message = `\`${form}\` says no zone, and nor does the source`;
      this.#reader.report(['time', 'form'], 'value', message, 'Add `zone: Europe/Athens`, as it is there.');
    }
    if (fields.length > 1 && form.startsWith('epoch')) {
      this.#reader.report(['time', 'field'], 'value', 'has several fields, and an epoch is one number', 'Name one.');
    }
    return {
      fields: fields.map((each, index) =>
        this.#path(each, typeof field === 'string' ? ['time', 'field'] : ['time', 'field', index]),
      ),
      rule: { form, zone, pattern: this.#pattern() },
    };
  }

  #zone(name: string): TimeZone | undefined {
    try {
      return new TimeZone(name);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const hint =
        didYouMean(name, Intl.supportedValuesOf('timeZone')) || 'Write one of the IANA database: Europe/Athens.';
      this.#reader.report(['time', 'zone'], 'value', 'is not a time zone', hint);
      return undefined;
    }
  }

  #pattern(): TimePattern | undefined {
    const { form, pattern } = this.#keys.time ?? {};
    if (pattern === undefined) {
      if (form === 'pattern') this.#reader.report(['time', 'pattern'], 'key', 'missing', PATTERN_HINT);
      return undefined;
    }
    if (form !== 'pattern') {
      this.#reader.report(['time', 'pattern'], 'key', 'goes with `form: pattern` only', 'Write that, or remove it.');
      return undefined;
    }
    const read = timePatternOf(pattern);
    if (typeof read !== 'string') return read;
    this.#reader.report(['time', 'pattern'], 'value', read, PATTERN_HINT);
    return undefined;
  }

  #metric(metric: string, keys: MetricKeys): MetricField {
    const at = ['metrics', metric];
    const { field, constant, unit, type, scale, offset, words, absent } =
      typeof keys === 'string' ? { field: keys } : keys;
    checkForeignMetric(this.#reader, metric, at, 'key');
    checkUnit(this.#reader, metric, unit, [...at, 'unit']);
    const known = metricNamed(metric)?.type;
    if (known !== undefined && type !== undefined && type !== known) {
      this.#reader.report(
        [...at, 'type'],
        'value',
        `\`${metric}\` is a ${known}`,
        'Remove it, or choose another metric.',
      );
    }
    const expected = known ?? type;
    checkWords(this.#reader, { metric, expected }, words, [...at, 'words']);
    const isNumber = words === undefined && (expected ?? 'number') === 'number';
    for (const key of ['scale', 'offset'] as const) {
      if ((typeof keys === 'string' ? undefined : keys[key]) !== undefined && !isNumber) {
        this.#reader.report([...at, key], 'key', 'is for numbers', 'Remove it.');
      }
    }
    this.#table.set(metric, { to: [metric], ...(unit === undefined ? {} : { unit }) });
    return {
      metric,
      field: this.#field(
        typeof keys === 'string'
          ? keys
          : { ...(field === undefined ? {} : { field }), ...(constant === undefined ? {} : { constant }) },
        at,
      ),
      rule: {
        // A field of a line is a text; one that is no number where nothing says what it is would change its type.
        type: type ?? (this.#isDelimited ? (known ?? 'number') : undefined),
        words: words === undefined ? undefined : lowerCased(words),
        absent: absent ?? [],
        scale: scale ?? 1,
        offset: offset ?? 0,
        decimal: this.#keys.decimal,
      },
    };
  }

  #named(): NamedValues | undefined {
    const { named } = this.#keys;
    if (named === undefined || this.#isDelimited) return undefined;
    for (const [name, keys] of Object.entries(named.metrics)) {
      const at = ['named', 'metrics', name];
      const { metric, unit } = typeof keys === 'string' ? { metric: keys } : keys;
      checkForeignMetric(this.#reader, metric, typeof keys === 'string' ? at : [...at, 'metric'], 'value');
      checkUnit(this.#reader, metric, unit, [...at, 'unit']);
      const key = name.toLowerCase();
      if (this.#table.has(key)) this.#reader.report(at, 'key', 'stands twice, or in `metrics`, too', 'Remove one.');
      this.#table.set(key, { to: [metric], ...(unit === undefined ? {} : { unit }) });
    }
    const { name, value, unit } = named;
    if ((name === undefined) !== (value === undefined)) {
      this.#reader.report(
        ['named'],
        'key',
        'says one of `name` and `value`',
        'Write both, or neither for an object of values.',
      );
    }
    if (name === undefined && unit !== undefined) {
      this.#reader.report(['named', 'unit'], 'key', 'goes with `name` and `value`', 'Remove it.');
    }
    const path = (written: string | undefined, key: string): FieldPath | undefined =>
      written === undefined ? undefined : this.#path(written, ['named', key]);
    return {
      each: this.#path(named.each, ['named', 'each']),
      name: path(name, 'name'),
      value: path(value, 'value'),
      unit: path(unit, 'unit'),
    };
  }

  #location(): Mapping['location'] {
    const { location } = this.#keys;
    if (location === undefined) return undefined;
    const place = (value: string | number, key: string): PlaceRule => {
      const at = ['location', key];
      if (typeof value === 'string') return { path: this.#path(value, at) };
      const bound = key === 'lat' ? 90 : 180;
      if (key !== 'alt' && Math.abs(value) > bound) {
        this.#reader.report(at, 'value', `is not from -${bound} to ${bound}`, 'Write degrees, or where they are.');
      }
      return { constant: value };
    };
    const { lat, lon, alt } = location;
    return { lat: place(lat, 'lat'), lon: place(lon, 'lon'), alt: alt === undefined ? undefined : place(alt, 'alt') };
  }
}

/** A column that nothing asks for. */
const IGNORED_COLUMN = '-';
const LINE_KEYS = ['separator', 'columns', 'quotes'];
const JSON_KEYS = ['each', 'named'];
const LINES_HINT = 'Lines need `separator: ";"` and `columns: [device, time, temperature]`.';
const PATTERN_HINT = 'Write it with YYYY MM DD HH mm ss S, `hh` with `A`, and other letters in single quotes.';
const PATH_HINT = 'Write keys with dots, `device.id`, indices of lists, `values.0`.';

function lowerCased(words: Readonly<Record<string, MetricValue>>): ReadonlyMap<string, MetricValue> {
  return new Map(Object.entries(words).map(([word, value]) => [word.trim().toLowerCase(), value]));
}

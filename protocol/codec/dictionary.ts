import { ProtocolError } from '../errors.ts';
import { type MetricType, metricNamed } from '../metrics.ts';
import { BOUNDS } from '../record.ts';
import { type BitReader, unreadable } from './bit-reader.ts';
import type { BitWriter } from './bit-writer.ts';
import { invalid, numberedMetric, numberOfMetric, requireMetric, requireMetricName } from './record-rules.ts';
import { readName, writeName } from './text.ts';

/** A metric as the columns of a batch know it. */
export interface MetricEntry {
  readonly name: string;
  readonly type: MetricType;
}

/** The types of a metric that goes by name, in the order of their number on the wire. */
const TYPES: readonly MetricType[] = ['number', 'boolean', 'text'];

/** The metrics of a batch that is being written. A name may stand twice, with two types. */
export class MetricDictionary {
  readonly #entries: Readonly<Record<MetricType, Map<string, MetricEntry>>> = {
    number: new Map(),
    boolean: new Map(),
    text: new Map(),
  };
  #size = 0;

  /** The entry of a metric, made where there is none. Throws `INVALID`, or `BOUNDS` where there are too many. */
  entryOf(name: string, type: MetricType): MetricEntry {
    const known = this.#entries[type].get(name);
    if (known !== undefined) return known;
    requireMetric(name, type);
    if (this.#size === BOUNDS.metricsPerBatch) throw tooMany();
    const entry = { name, type };
    this.#entries[type].set(name, entry);
    this.#size += 1;
    return entry;
  }

  /** The entry of a metric that has a flag and no value: any that has the name, or one of the registry's type. */
  flaggedEntryOf(name: string): MetricEntry {
    return this.#find(name) ?? this.entryOf(name, metricNamed(name)?.type ?? 'number');
  }

  /** Every entry in the order of the wire: by number where there is one, the others as they came. */
  ordered(): MetricEntry[] {
    const entries = TYPES.flatMap((type) => [...this.#entries[type].values()]);
    return entries.sort((a, b) => orderOf(a) - orderOf(b));
  }

  #find(name: string): MetricEntry | undefined {
    for (const type of TYPES) {
      const entry = this.#entries[type].get(name);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }
}

/** Writes the entries, which stand in the order of the wire. */
export function writeDictionary(writer: BitWriter, entries: readonly MetricEntry[]): void {
  const numbers = entries.map(({ name }) => numberOfMetric(name)).filter((number) => number !== undefined);
  writer.count(numbers.length);
  let last = 0;
  for (const number of numbers) {
    writer.count(number - last - 1);
    last = number;
  }
  writer.count(entries.length - numbers.length);
  for (const { name, type } of entries.slice(numbers.length)) {
    writer.bits(TYPES.indexOf(type), 2);
    writeName(writer, name);
  }
}

/** Throws `INVALID` for a number that this version does not have, and for a name that no metric may have. */
export function readDictionary(reader: BitReader): MetricEntry[] {
  const entries: MetricEntry[] = [];
  const numbered = reader.count();
  if (numbered > BOUNDS.metricsPerBatch) throw tooMany();
  let number = 0;
  for (let index = 0; index < numbered; index += 1) {
    number += reader.count() + 1;
    const metric = numberedMetric(number);
    if (metric === undefined) throw invalid('a metric of no known number');
    entries.push({ name: metric.name, type: metric.type });
  }
  const named = reader.count();
  if (numbered + named > BOUNDS.metricsPerBatch) throw tooMany();
  for (let index = 0; index < named; index += 1) {
    const type = TYPES[reader.bits(2)];
    if (type === undefined) throw unreadable('a metric of no known type');
    const name = readName(reader);
    // Its type is the centre's to judge, record by record: a batch that cannot be read would keep all of them out.
    requireMetricName(name);
    entries.push({ name, type });
  }
  return entries;
}

function orderOf({ name }: MetricEntry): number {
  return numberOfMetric(name) ?? Number.MAX_SAFE_INTEGER;
}

function tooMany(): ProtocolError {
  return new ProtocolError('BOUNDS', `more than ${BOUNDS.metricsPerBatch} metrics`);
}

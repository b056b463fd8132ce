import type { Info, MetricValue } from '../../protocol/record.ts';
import type { Reading, RefusedPart } from './format.ts';
import {
  type ForeignMeasure,
  type Measure,
  type MetricTable,
  measureOf,
  metricOf,
  type NamedMetric,
} from './metric-names.ts';
import { refuse, refusedPart } from './refuse.ts';

/**
 * The values of one reading, as a format comes by them. One that cannot be used costs no other: it is refused with its
 * place, and a metric of the format's table has no value then.
 */
export class MeasureGroup {
  readonly #table: MetricTable;
  readonly #refused: RefusedPart[];
  readonly #metrics = new Map<string, MetricValue>();
  readonly #missing = new Set<string>();
  readonly #units = new Map<string, string>();

  /** @param refused takes what is refused; several groups of one message may share it */
  constructor(table: MetricTable, refused: RefusedPart[]) {
    this.#table = table;
    this.#refused = refused;
  }

  /** Whether there is nothing that a record could hold. */
  get isEmpty(): boolean {
    return this.#metrics.size === 0 && this.#missing.size === 0;
  }

  has(metric: string): boolean {
    return this.#metrics.has(metric) || this.#missing.has(metric);
  }

  /** Whether it was taken; otherwise it is among the refused. */
  add(measure: ForeignMeasure): boolean {
    const { value, at } = measure;
    let named: NamedMetric | undefined;
    try {
      named = metricOf(this.#table, measure);
      if (this.has(named.metric)) return refuse(at, `is a second value of ${named.metric} at the same time`);
      this.#take(measureOf(named, value, at));
      return true;
    } catch (error) {
      this.#refused.push(refusedPart(textOf(measure), error));
      if (named?.rule !== undefined && !this.has(named.metric)) this.#missing.add(named.metric);
      return false;
    }
  }

  #take({ metric, value, unit }: Measure): void {
    if (value === undefined) this.#missing.add(metric);
    else this.#metrics.set(metric, value);
    if (unit !== undefined) this.#units.set(metric, unit);
  }

  /** The reading with what the group has; `info.unit` says the units of `x_…`. */
  reading(of: Omit<Reading, 'metrics' | 'missing'>): Reading {
    const info: Info = { ...of.info, ...(this.#units.size > 0 ? { unit: Object.fromEntries(this.#units) } : {}) };
    const { info: _, ...rest } = of;
    return {
      ...rest,
      metrics: Object.fromEntries(this.#metrics),
      ...(this.#missing.size > 0 ? { missing: [...this.#missing] } : {}),
      ...(Object.keys(info).length > 0 ? { info } : {}),
    };
  }
}

function textOf({ name, value }: ForeignMeasure): string {
  return `${JSON.stringify(name)}: ${JSON.stringify(value) ?? 'absent'}`;
}

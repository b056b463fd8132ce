import { type MetricDefinition, metricNamed } from '../../protocol/metrics.ts';
import { BOUNDS, type MetricValue } from '../../protocol/record.ts';
import type { MetricExtension } from './station.ts';

type Definition = Pick<MetricDefinition, 'type' | 'resolution' | 'unit'>;

/** What values metrics may have: those of the registry and those that the configuration adds. */
export class MetricTable {
  readonly #extensions: ReadonlyMap<string, MetricExtension>;

  constructor(extensions: readonly MetricExtension[] = []) {
    this.#extensions = new Map(extensions.map((extension) => [extension.name, extension]));
  }

  /** Undefined for a driver's own `x_…` measure that nobody defined. */
  definitionOf(name: string): Definition | undefined {
    return this.#extensions.get(name) ?? metricNamed(name);
  }

  /** The value as it stands in a record, rounded to the metric's resolution; undefined where it may not stand there. */
  admit(name: string, value: unknown): MetricValue | undefined {
    const definition = this.definitionOf(name);
    if (definition !== undefined && typeof value !== JS_TYPE[definition.type]) return undefined;
    switch (typeof value) {
      case 'number':
        return Number.isFinite(value) ? roundTo(value, definition?.resolution) : undefined;
      case 'string':
        return Buffer.byteLength(value, 'utf8') <= BOUNDS.textBytes ? value : undefined;
      case 'boolean':
        return value;
      default:
        return undefined;
    }
  }
}

const JS_TYPE = { number: 'number', boolean: 'boolean', text: 'string' } as const;

/** The nearest multiple of `resolution`, as the shortest decimal that names it, and never -0. */
export function roundTo(value: number, resolution: number | undefined): number {
  if (resolution === undefined) return value === 0 ? 0 : value;
  const perUnit = 1 / resolution;
  const wholePerUnit = Math.round(perUnit);
  // Dividing by a whole number gives the double nearest to the decimal; multiplying by 0.01 does not.
  const rounded =
    Math.abs(perUnit - wholePerUnit) < 1e-9 * perUnit
      ? Math.round(value * wholePerUnit) / wholePerUnit
      : Number((Math.round(value / resolution) * resolution).toPrecision(15));
  return rounded === 0 ? 0 : rounded;
}

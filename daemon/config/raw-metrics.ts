import { metricNamed } from '../../protocol/metrics.ts';
import { METRIC_NAME_PATTERN } from '../../protocol/record.ts';
import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import type { MetricExtension } from './types.ts';

/** Definitions of the raw values that `keep_raw` puts into records, by name: one for the whole gateway. */
export class RawMetrics {
  readonly #reader: ConfigReader;
  readonly #defined: readonly MetricExtension[];
  readonly #definitions = new Map<string, MetricExtension>();
  readonly #firstAt = new Map<string, Path>();

  /** `defined`: what the configuration defines by itself. */
  constructor(reader: ConfigReader, defined: readonly MetricExtension[]) {
    this.#reader = reader;
    this.#defined = defined;
  }

  get definitions(): readonly MetricExtension[] {
    return [...this.#definitions.values()];
  }

  /** `at`: where it is asked for. Of two resolutions the finer holds, and none where one is not known. */
  add(at: Path, { name, unit, resolution }: { name: string; unit: string; resolution: number | undefined }): void {
    if (!METRIC_NAME_PATTERN.test(name)) {
      this.#reader.report(at, 'key', `\`${name}\` is too long for a name`, 'Rename the metric with `as`.');
      return;
    }
    const other = this.#defined.find((each) => each.name === name) ?? metricNamed(name);
    if (other !== undefined) {
      this.#checkSame(at, other, unit, 'under `metrics`');
      return;
    }
    const before = this.#definitions.get(name);
    if (before === undefined) this.#firstAt.set(name, at);
    else this.#checkSame(at, before, unit, `in line ${this.#reader.lineOf(this.#firstAt.get(name) as Path)}`);
    const finer = before === undefined ? resolution : finerOf(before.resolution, resolution);
    this.#definitions.set(name, {
      ...{ name, type: 'number', unit },
      ...(finer === undefined ? {} : { resolution: finer }),
    });
  }

  #checkSame(at: Path, other: MetricExtension, unit: string, where: string): void {
    if (other.type === 'number' && other.unit === unit) return;
    const message = `\`${other.name}\` is ${inUnit(unit)} here and ${inUnit(other.unit)} ${where}`;
    this.#reader.report(at, 'key', message, 'A metric has one unit: rename with `as`.');
  }
}

function inUnit(unit: string): string {
  return unit === '' ? 'without unit' : `in ${unit}`;
}

function finerOf(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : Math.min(one, other);
}

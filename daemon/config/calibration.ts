import type { z } from 'zod';
import type { DriverMetric } from '../../drivers/driver.ts';
import { BOUNDS, NAME_PATTERN } from '../../protocol/record.ts';
import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import { didYouMean } from '../../runtime/config/suggest.ts';
import {
  CalibrationHistory,
  type CalibrationTerms,
  calibrationOf,
  type DatedCalibration,
} from '../quality/calibration.ts';
import type { Calibration, MetricCalibration } from '../quality/types.ts';
import { sourceInfo } from '../sampling/source.ts';
import { portOf, rawNameOf } from '../sampling/station.ts';
import { calibrationSchema, SHAPES } from './calibration-schema.ts';
import { checkTerms } from './calibration-terms.ts';
import { definitionOf, inWords } from './checks.ts';
import { RawMetrics } from './raw-metrics.ts';
import { eventBytesMax } from './record-size.ts';
import type { SensorRead } from './sensors.ts';
import type { MetricExtension } from './types.ts';

type CalibrationKeys = z.output<typeof calibrationSchema>;

/** Sensors with their calibrations, and the definitions of raw values that stand in records. */
interface CalibrationsRead {
  readonly sensors: readonly (readonly SensorRead[])[];
  /** Those of the configuration, and those of raw values. */
  readonly metrics: readonly MetricExtension[];
}

/** What `calibrate` says of each sensor. Reports what does not fit; what has the wrong form has been reported. */
export function readCalibrations(
  reader: ConfigReader,
  sensors: readonly (readonly SensorRead[])[],
  extensions: readonly MetricExtension[],
): CalibrationsRead {
  const rawMetrics = new RawMetrics(reader, extensions);
  const calibrated = sensors.map((ofStation) =>
    ofStation.map((sensor) => {
      const calibrations = calibrationsOf(reader, sensor, extensions, rawMetrics);
      const raw = sensor.metrics.filter((name) => calibrations[name]?.keepsRaw).map(rawNameOf);
      return { ...sensor, calibrations, metrics: [...sensor.metrics, ...raw] };
    }),
  );
  return { sensors: calibrated, metrics: [...extensions, ...rawMetrics.definitions] };
}

function calibrationsOf(
  reader: ConfigReader,
  sensor: SensorRead,
  extensions: readonly MetricExtension[],
  rawMetrics: RawMetrics,
): Record<string, MetricCalibration> {
  const gives = sensor.driver.metrics(sensor.options);
  checkKeys(reader, sensor, gives);
  const calibrations: Record<string, MetricCalibration> = {};
  for (const given of gives) {
    const name = sensor.rename[given.name] ?? given.name;
    const found = new CalibrationReader(reader, sensor, given, name, extensions, rawMetrics).read();
    if (found !== undefined) calibrations[name] = found;
  }
  return calibrations;
}

/** Calibrations go by the driver's own names, as `as` does: they belong to what the sensor gives. */
function checkKeys(reader: ConfigReader, { path, rename }: SensorRead, gives: readonly DriverMetric[]): void {
  const names = gives.map(({ name }) => name);
  for (const key of Object.keys(reader.mappingAt([...path, 'calibrate']) ?? {})) {
    if (names.includes(key)) continue;
    const own = names.find((name) => rename[name] === key);
    const hint =
      own === undefined
        ? didYouMean(key, names) || `It gives ${names.join(', ')}.`
        : `Calibrate it by the driver's own name, \`${own}\`.`;
    reader.report([...path, 'calibrate', key], 'key', 'is no metric of this sensor', hint);
  }
}

/** One metric of one sensor. */
class CalibrationReader {
  readonly #reader: ConfigReader;
  readonly #sensor: SensorRead;
  readonly #given: DriverMetric;
  /** In records. */
  readonly #name: string;
  readonly #definition: MetricExtension | undefined;
  /** Of what the sensor gives; undefined where nobody says it. */
  readonly #rawUnit: string | undefined;
  readonly #rawMetrics: RawMetrics;

  constructor(
    reader: ConfigReader,
    sensor: SensorRead,
    given: DriverMetric,
    name: string,
    extensions: readonly MetricExtension[],
    rawMetrics: RawMetrics,
  ) {
    this.#reader = reader;
    this.#sensor = sensor;
    this.#given = given;
    this.#name = name;
    this.#definition = definitionOf(name, extensions);
    this.#rawUnit = given.unit ?? definitionOf(given.name, extensions)?.unit;
    this.#rawMetrics = rawMetrics;
  }

  read(): MetricCalibration | undefined {
    const path = [...this.#sensor.path, 'calibrate', this.#given.name];
    const value = this.#reader.valueAt(path);
    if (value === undefined) {
      this.#checkUncalibrated();
      return undefined;
    }
    if (this.#definition !== undefined && this.#definition.type !== 'number') {
      const message = `\`${this.#name}\` is ${inWords(this.#definition)}`;
      this.#reader.report(path, 'key', message, 'Only numbers are calibrated.');
      return undefined;
    }
    const list = Array.isArray(value)
      ? value.map((each: unknown, index): [Path, unknown] => [[...path, index], each])
      : [[path, value] satisfies [Path, unknown]];
    const entries = list.flatMap(([at, each]) => {
      const parsed = calibrationSchema.safeParse(each);
      return parsed.success ? [{ path: at, keys: parsed.data }] : [];
    });
    if (entries.length < list.length) return undefined;
    this.#checkDates(entries);
    const dated = entries.flatMap(({ path: at, keys }) => this.#calibrationAt(at, keys) ?? []);
    return this.#historyOf(entries, dated);
  }

  #historyOf(entries: readonly PlacedKeys[], dated: readonly DatedCalibration[]): MetricCalibration {
    const keeping = entries.find(({ keys }) => keys.keep_raw);
    if (keeping !== undefined) {
      const ofMetric = this.#isToConvert ? undefined : this.#definition?.resolution;
      const resolution = this.#given.resolution ?? ofMetric;
      const unit = this.#rawUnit ?? dated[0]?.calibration.rawUnit ?? '';
      this.#rawMetrics.add([...keeping.path, 'keep_raw'], { name: rawNameOf(this.#name), unit, resolution });
    }
    return new CalibrationHistory(dated, keeping !== undefined);
  }

  /** Whether raw values are of another unit than the metric's: then they need a calibration at every time. */
  get #isToConvert(): boolean {
    return (
      this.#given.unit !== undefined && this.#definition !== undefined && this.#given.unit !== this.#definition.unit
    );
  }

  #checkUncalibrated(): void {
    if (!this.#isToConvert) return;
    const message = `gives \`${this.#name}\` in ${this.#given.unit}, not ${unitInWords(this.#definition?.unit)}`;
    const hint = `Convert it: \`calibrate: { ${this.#given.name}: { unit: ${this.#given.unit}, table: [[0, 0], [1, 100]] } }\`, by its data sheet.`;
    this.#reader.report(this.#sensor.path, 'key', message, hint);
  }

  /** Each holds until the next begins. */
  #checkDates(entries: readonly PlacedKeys[]): void {
    for (const [index, { path, keys }] of entries.entries()) {
      const before = entries[index - 1]?.keys.from;
      if (index === 0) {
        if (keys.from === undefined || !this.#isToConvert) continue;
        const message = `before that nothing converts ${this.#given.unit} to ${unitInWords(this.#definition?.unit)}`;
        this.#reader.report([...path, 'from'], 'value', message, 'The first calibration has no `from`.');
      } else if (keys.from === undefined) {
        this.#reader.report(
          path,
          'key',
          'has no `from`',
          'Only the first of a list does without: it holds until the next.',
        );
      } else if (before !== undefined && keys.from <= before) {
        const hint = 'Put them in the order of their dates.';
        this.#reader.report([...path, 'from'], 'value', 'is not later than that of the one before it', hint);
      }
    }
  }

  #calibrationAt(path: Path, keys: CalibrationKeys): DatedCalibration | undefined {
    this.#checkUnit(path, keys);
    const terms = this.#termsAt(path, keys);
    if (terms === undefined) return undefined;
    const rawUnit = this.#rawUnit ?? keys.unit ?? this.#definition?.unit ?? '';
    checkTerms(this.#reader, path, terms, { range: this.#range(), unit: rawUnit });
    const calibration = calibrationOf({ id: keys.id, rawUnit, terms });
    this.#checkSource(path, calibration);
    return { fromMs: keys.from, calibration };
  }

  #checkUnit(path: Path, { unit }: CalibrationKeys): void {
    if (unit !== undefined && this.#rawUnit !== undefined && unit !== this.#rawUnit) {
      const hint = this.#isToConvert
        ? `Write \`unit: ${this.#rawUnit}\`.`
        : `Write \`unit: ${this.#rawUnit}\`, or leave it out.`;
      const message = `the sensor gives ${unitInWords(this.#rawUnit)}`;
      this.#reader.report([...path, 'unit'], 'value', message, hint);
    } else if (unit === undefined && this.#isToConvert) {
      const message = `does not say that it converts ${this.#rawUnit} to ${unitInWords(this.#definition?.unit)}`;
      this.#reader.report(path, 'key', message, `Add \`unit: ${this.#rawUnit}\`.`);
    }
  }

  #termsAt(path: Path, keys: CalibrationKeys): CalibrationTerms | undefined {
    const said = SHAPES.filter((shape) => keys[shape] !== undefined);
    const [shape, other] = said;
    if (shape === undefined) {
      const hint = `Write one of ${SHAPES.map((each) => `\`${each}\``).join(', ')}.`;
      this.#reader.report(path, 'key', 'says nothing that makes a true value of a raw one', hint);
      return undefined;
    }
    if (other !== undefined) {
      const hint = 'One shape each: make a `table` or a `polynomial` of both.';
      this.#reader.report([...path, other], 'key', `stands beside \`${shape}\``, hint);
      return undefined;
    }
    return { [shape]: withoutMinusZero(keys[shape]) } as unknown as CalibrationTerms;
  }

  /** Its terms travel in one record, the metric's `event: source`. */
  #checkSource(path: Path, calibration: Calibration): void {
    const port = portOf(this.#sensor.options);
    // A port whose name is too long is told of where places are looked at.
    if (port !== undefined && Buffer.byteLength(port) > BOUNDS.infoTextBytes) return;
    const station = this.#reader.valueAt([...this.#sensor.path.slice(0, 2), 'name']);
    // One without a name, or with a name that no record may have, is told of already.
    if (typeof station !== 'string' || !NAME_PATTERN.test(station)) return;
    const driver = this.#sensor.driver.name;
    const unit = this.#definition?.unit ?? '';
    const bytes = eventBytesMax(station, sourceInfo({ metric: this.#name, driver, port, unit, calibration }));
    if (bytes <= BOUNDS.recordBytes) return;
    const message = `the record that tells of it would take ${bytes} bytes, ${BOUNDS.recordBytes} are allowed`;
    this.#reader.report(path, 'key', message, 'Give fewer points, or fewer digits.');
  }

  /** Of what the sensor can give: as the driver says, else what is plausible for the metric, else every number. */
  #range(): readonly [number, number] {
    const ofMetric = this.#isToConvert ? undefined : this.#definition?.range;
    return this.#given.range ?? ofMetric ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  }
}

interface PlacedKeys {
  readonly path: Path;
  readonly keys: CalibrationKeys;
}

function unitInWords(unit: string | undefined): string {
  return unit === undefined || unit === '' ? 'a number without unit' : unit;
}

/** Coefficients stand in records, which know no -0. */
function withoutMinusZero(terms: unknown): unknown {
  if (Array.isArray(terms)) return terms.map(withoutMinusZero);
  return terms === 0 ? 0 : terms;
}

/** Tables of what drivers give, made from their own declarations: said once. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { sensorShape } from '../../daemon/config/schema.ts';
import type { AnyDriver, DriverMetric } from '../../drivers/driver.ts';
import { DRIVERS } from '../../drivers/index.ts';
import { metricNamed } from '../../protocol/metrics.ts';
import { wholeSample } from '../driver-samples.ts';
import { aligned } from './table.ts';

const folder = join(import.meta.dirname, '..', '..', 'drivers');

/** A README with its generated parts made anew: `<!-- metrics: NAME -->` to `<!-- end -->`, as the driver's sample sets it. */
export function withMetrics(markdown: string): string {
  return markdown.replaceAll(
    /(<!-- metrics: ([a-z0-9-]+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_, begin: string, name: string, end: string) => `${begin}\n${tableOf(driverNamed(name))}\n\n${end}`,
  );
}

function driverNamed(name: string): AnyDriver {
  const driver = DRIVERS.find((each) => each.name === name);
  if (driver === undefined) throw new Error(`there is no driver ${name}`);
  return driver;
}

function tableOf(driver: AnyDriver): string {
  const metrics = new Map(
    sampleOptionsOf(driver).flatMap((own) => driver.metrics(own).map((each) => [each.name, each])),
  );
  const head = ['metric', 'unit', 'range', 'resolution', 'accuracy, typical'];
  return aligned([head, ...[...metrics.values()].map(rowOf)]);
}

/** The options of each sensor in a driver's sample. */
function sampleOptionsOf({ name, options }: AnyDriver): unknown[] {
  const sample: unknown = parse(wholeSample(readFileSync(join(folder, name, 'sample.yaml'), 'utf8')));
  const { sensors } = z.object({ sensors: z.array(z.record(z.string(), z.unknown())) }).parse(sample);
  return sensors
    .filter((sensor) => sensor.driver === name)
    .map((sensor) => {
      const own = Object.entries(sensor).filter(([key]) => !Object.hasOwn(sensorShape, key));
      return options.parse(Object.fromEntries(own)) as unknown;
    });
}

function rowOf({ name, unit, range, resolution, accuracy }: DriverMetric): string[] {
  const definition = metricNamed(name);
  const isNumber = (definition?.type ?? 'number') === 'number';
  return [
    `\`${name}\``,
    isNumber ? (unit ?? definition?.unit ?? '') : (definition?.type ?? ''),
    range === undefined ? '' : `${shown(range[0], 5)} to ${shown(range[1], 5)}`,
    resolution === undefined ? '' : shown(resolution),
    accuracyText(accuracy),
  ];
}

function accuracyText({ absolute, relative }: NonNullable<DriverMetric['accuracy']> = {}): string {
  const parts = [
    ...(absolute === undefined ? [] : [`± ${shown(absolute)}`]),
    ...(relative === undefined ? [] : [`± ${shown(100 * relative)} % of the value`]),
  ];
  return parts.length === 2 ? `${parts.join(' or ')}, whichever is more` : parts.join('');
}

/** With the digits that data sheets have; whole numbers whole, a minus that is one. */
function shown(value: number, digits = 3): string {
  const rounded = Number.isInteger(value) ? value : Number(value.toPrecision(digits));
  return String(rounded).replace('-', '−');
}

import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import { type CalibrationPoint, type CalibrationTerms, isStrictlyMonotone, slopesOf } from '../quality/calibration.ts';

/** What a sensor gives. */
interface RawValues {
  readonly range: readonly [lowest: number, highest: number];
  readonly unit: string;
}

const ONE_EACH = 'Each raw value needs a true value of its own, as nobody could tell them apart later.';

/** Reports terms of a calibration that are not strictly monotone over what the sensor gives. */
export function checkTerms(reader: ConfigReader, path: Path, terms: CalibrationTerms, raw: RawValues): void {
  if ('two_point' in terms) checkTwoPoint(reader, [...path, 'two_point'], terms.two_point);
  if ('table' in terms) checkTable(reader, [...path, 'table'], terms.table);
  if ('polynomial' in terms && !isStrictlyMonotone(slopesOf(terms, raw.range))) {
    reader.report([...path, 'polynomial'], 'value', `is not strictly monotone${rangeInWords(raw)}`, ONE_EACH);
  }
}

function rangeInWords({ range: [lowest, highest], unit }: RawValues): string {
  if (!Number.isFinite(lowest) || !Number.isFinite(highest)) return '';
  return ` from ${lowest} to ${highest}${unit === '' ? '' : ` ${unit}`}, which the sensor gives`;
}

function checkTwoPoint(
  reader: ConfigReader,
  path: Path,
  [one, other]: readonly [CalibrationPoint, CalibrationPoint],
): void {
  if (one[0] === other[0])
    reader.report(path, 'value', 'has the same raw value twice', 'Measure at two different ones.');
  else if (one[1] === other[1]) reader.report(path, 'value', 'has the same true value twice', ONE_EACH);
}

function checkTable(reader: ConfigReader, path: Path, points: readonly CalibrationPoint[]): void {
  const direction = Math.sign((points[1]?.[1] ?? 0) - (points[0]?.[1] ?? 0));
  for (const [index, [raw, truth]] of points.entries()) {
    const before = points[index - 1];
    if (before === undefined) continue;
    if (raw <= before[0]) {
      reader.report(
        [...path, index],
        'value',
        'its raw value is not above the one before',
        'Sort the points by raw value.',
      );
      return;
    }
    if (truth === before[1] || Math.sign(truth - before[1]) !== direction) {
      const message = truth === before[1] ? 'its true value is that of the one before' : 'its true value turns back';
      reader.report([...path, index], 'value', message, ONE_EACH);
      return;
    }
  }
}

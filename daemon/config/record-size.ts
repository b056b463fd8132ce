import { type MetricDefinition, metricNamed } from '../../protocol/metrics.ts';
import { BOUNDS } from '../../protocol/record.ts';

/**
 * An upper bound of what one sample of a station encodes to when it travels alone, in bytes: every metric present,
 * flagged, with a value that needs a float64 or a text of full length, and a location (docs/protocol.md, "Batch").
 */
export function recordBytesMax(station: string, metrics: readonly Pick<MetricDefinition, 'name' | 'type'>[]): number {
  let bytes = FRAME_BYTES + station.length;
  for (const { name, type } of metrics) {
    const nameBytes = metricNamed(name) === undefined ? 1 + name.length : NUMBER_BYTES;
    bytes += nameBytes + COLUMN_BYTES + VALUE_BYTES[type];
  }
  return bytes;
}

/** Preamble, header, sequence, time, clock, location, info's length and checksums. */
const FRAME_BYTES = 128;
/** A metric of the registry goes by its number. */
const NUMBER_BYTES = 2;
/** A column's description, presence and flag. */
const COLUMN_BYTES = 6;
const VALUE_BYTES: Readonly<Record<MetricDefinition['type'], number>> = {
  number: 8,
  boolean: 1,
  text: BOUNDS.textBytes + 2,
};

import { metricNamed } from '../../../protocol/metrics.ts';
import { type JsonValue, RESERVED_KEYS } from '../../../protocol/record.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';

/** What one of the two topics has of a record. */
export interface SplitMessage {
  readonly part: 'main' | 'measures';
  readonly key: string;
  /** JSON, on one line. */
  readonly value: string;
}

/**
 * A record as the split topics have it (docs/stores/split-topics.md): what it says of itself, and each of its measures
 * alone. Only a sample has measures; any other record is in `main` whole. The same record makes the same bytes.
 */
export function splitMessages(flat: FlatRecord): SplitMessage[] {
  const { id, timestamp, ...rest } = flat;
  const head = { uuid: id, t: Date.parse(timestamp), tz: timestamp };
  const isMeasured = flat.kind === 'sample';
  const isMain = ([key]: [string, JsonValue]): boolean => !isMeasured || RESERVED_KEYS.has(key);
  const entries = Object.entries(rest);
  const main = { ...head, ...Object.fromEntries(entries.filter(isMain)) };
  const messages: SplitMessage[] = [{ part: 'main', key: id, value: JSON.stringify(main) }];
  for (const [name, value] of entries.filter((entry) => !isMain(entry))) {
    const unit = unitOf(name, flat);
    const measure = {
      ...{ ...head, gateway: flat.gateway, station: flat.station, k: name, v: value },
      ...(unit === undefined ? {} : { u: unit }),
    };
    messages.push({ part: 'measures', key: `${id}/${name}`, value: JSON.stringify(measure) });
  }
  return messages;
}

/** As the registry has it, or else as the device's format said it. */
function unitOf(metric: string, { info }: FlatRecord): string | undefined {
  const known = metricNamed(metric)?.unit;
  if (known !== undefined) return known;
  const units = isMapping(info) ? info.unit : undefined;
  const unit = isMapping(units) && Object.hasOwn(units, metric) ? units[metric] : undefined;
  return typeof unit === 'string' ? unit : undefined;
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

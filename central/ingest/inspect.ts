import type { RejectCode } from '../../protocol/ack.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { type FlatRecordParts, flatRecordOf } from '../../protocol/flat-record.ts';
import type { RunId } from '../../protocol/ids.ts';
import { type MetricType, metricNamed } from '../../protocol/metrics.ts';
import type { MetricValue, SequencedRecord } from '../../protocol/record.ts';
import type { FlatRecord, LogEntry, LogRecord } from '../recordlog/recordlog.ts';
import type { DeadLetter } from './dead-letter.ts';

/** Records of one gateway's run, as they were decoded. */
export interface Arrival {
  readonly gateway: string;
  readonly run: RunId;
  readonly records: readonly SequencedRecord[];
  readonly receivedAtMs: number;
}

export interface Inspected {
  /** What may go into the log, with its JSON made. */
  readonly entry: LogEntry;
  readonly refused: readonly DeadLetter[];
  /** Of both, in UTF-16 units, as memory holds it. */
  readonly jsonBytes: number;
}

/** Makes flat records, and parts those that no consumer may ever see: a metric has one type for ever. */
export function inspect({ gateway, run, records, receivedAtMs }: Arrival): Inspected {
  const taken: LogRecord[] = [];
  const refused: DeadLetter[] = [];
  let jsonBytes = 0;
  for (const record of records) {
    const { sequence } = record;
    const outcome = typeFaultOf(record) ?? flatOrFault({ gateway, run, record, receivedAtMs });
    const json = JSON.stringify(outcome.flat ?? record);
    jsonBytes += json.length;
    if (outcome.flat !== undefined) taken.push({ sequence, flat: outcome.flat, json });
    else refused.push({ ...outcome, gateway, run, sequence, receivedAtMs, json });
  }
  return { entry: { gateway, run, records: taken }, refused, jsonBytes };
}

interface Fault {
  readonly flat?: undefined;
  readonly code: RejectCode;
  readonly reason: string;
}

function typeFaultOf({ metrics }: SequencedRecord): Fault | undefined {
  for (const [name, value] of Object.entries(metrics)) {
    const type = metricNamed(name)?.type;
    const found = typeOf(value);
    if (type !== undefined && type !== found) {
      return { code: 'metric_type', reason: `${name} is a ${type}, and came as a ${found}` };
    }
  }
  return undefined;
}

function typeOf(value: MetricValue): MetricType {
  if (typeof value === 'string') return 'text';
  return typeof value === 'boolean' ? 'boolean' : 'number';
}

function flatOrFault(parts: FlatRecordParts & { readonly receivedAtMs: number }): { flat: FlatRecord } | Fault {
  try {
    return { flat: flatRecordOf(parts) as FlatRecord };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { code: 'invalid_record', reason: error.message };
  }
}

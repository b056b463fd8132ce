import type { RecordsBatch } from '@platformatic/kafka';
import type { ConsumedMessage } from '../client.ts';

/** Bits of a batch's attributes (Kafka documentation, "Message format", 5.3.1). */
const LOG_APPEND_TIME = 0x08;
const CONTROL = 0x20;

/** The messages at or after an offset in what a fetch has returned, which begins and ends with whole batches. */
export function readOf(
  from: number,
  batches: readonly RecordsBatch[],
): { readonly to: number; readonly messages: readonly ConsumedMessage[] } {
  const messages: ConsumedMessage[] = [];
  let to = from;
  for (const batch of batches) {
    const first = Number(batch.firstOffset);
    to = Math.max(to, first + batch.lastOffsetDelta + 1);
    if ((batch.attributes & CONTROL) !== 0) continue;
    const isAppendTime = (batch.attributes & LOG_APPEND_TIME) !== 0;
    for (const { offsetDelta, timestampDelta, key, value } of batch.records) {
      const offset = first + offsetDelta;
      if (offset < from) continue;
      messages.push({
        offset,
        key: key?.toString(),
        value: value ?? Buffer.alloc(0),
        timestampMs: Number(isAppendTime ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta),
      });
    }
  }
  return { to, messages };
}

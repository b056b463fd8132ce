import { bitmapBytesMax, type Carriage } from './frames.ts';
import type { MessageReceiver } from './message-receiver.ts';
import type { MessageSender } from './message-sender.ts';

export interface CarriageSources {
  readonly gateway: string;
  /** Left out where only receipts may go. */
  readonly sender?: MessageSender | undefined;
  readonly receiver?: MessageReceiver | undefined;
  /** What names the other end in receipts up. */
  readonly tag?: Uint8Array;
}

/** What leaves now: a message, with what receipts are owed; or receipts alone, where they have waited for long enough. */
export function nextCarriage({ gateway, sender, receiver, tag }: CarriageSources, nowMs: number): Carriage | undefined {
  const message = sender?.next(nowMs);
  const owedMs = receiver?.receiptDueMs ?? Number.POSITIVE_INFINITY;
  if (receiver === undefined || owedMs === Number.POSITIVE_INFINITY || (message === undefined && owedMs > nowMs)) {
    return message === undefined ? undefined : { kind: 'carriage', message };
  }
  const told = receiver.receipts(bitmapBytesMax(gateway, message?.bytes.length));
  const receipts = tag === undefined ? told : { tag, ...told };
  return message === undefined ? { kind: 'carriage', receipts } : { kind: 'carriage', receipts, message };
}

import { NUMBERS_SPREAD_MAX, type NumberedMessage, type Receipts } from './frames.ts';

/** A receipt waits so long for company; the second message that waits for one sends it. */
const RECEIPT_DELAY_MS = 25;
const MESSAGES_PER_RECEIPT = 2;

/** `outside` is what no honest sender sends: it is neither delivered nor receipted. */
export type Arrival = 'new' | 'duplicate' | 'outside';

/** Which messages of one sender have come, so that each is delivered once, and when to tell the sender. */
export class MessageReceiver {
  /** Every message up to it has come, or will not come any more. */
  #upTo = 0;
  /** Those beyond that have come; at most `NUMBERS_SPREAD_MAX`. */
  readonly #beyond = new Set<number>();
  #waiting = 0;
  #receiptDueMs = Number.POSITIVE_INFINITY;

  /** When receipts have to go; infinite where none is owed. */
  get receiptDueMs(): number {
    return this.#receiptDueMs;
  }

  /** No message below this number will come any more. */
  skipTo(lowest: number): void {
    if (lowest - 1 <= this.#upTo) return;
    for (const number of this.#beyond) if (number < lowest) this.#beyond.delete(number);
    this.#upTo = lowest - 1;
    this.#close();
  }

  take({ number, back }: NumberedMessage, nowMs: number): Arrival {
    this.skipTo(number - back);
    if (number > this.#upTo + NUMBERS_SPREAD_MAX) return 'outside';
    this.#waiting += 1;
    const dueMs = this.#waiting < MESSAGES_PER_RECEIPT ? nowMs + RECEIPT_DELAY_MS : nowMs;
    this.#receiptDueMs = Math.min(this.#receiptDueMs, dueMs);
    if (number <= this.#upTo || this.#beyond.has(number)) return 'duplicate';
    this.#beyond.add(number);
    this.#close();
    return 'new';
  }

  /** What has come. Where the bitmap has no room for everything, the rest stays owed. */
  receipts(bitmapBytesMax: number): Receipts {
    const bitmap = new Uint8Array(bitmapBytesMax);
    let length = 0;
    let isWhole = true;
    for (const number of this.#beyond) {
      const bit = number - this.#upTo - 1;
      const byte = bit >>> 3;
      if (byte >= bitmapBytesMax) isWhole = false;
      else {
        bitmap[byte] = (bitmap[byte] as number) | (0x80 >>> (bit & 7));
        length = Math.max(length, byte + 1);
      }
    }
    if (isWhole) {
      this.#waiting = 0;
      this.#receiptDueMs = Number.POSITIVE_INFINITY;
    }
    return { upTo: this.#upTo, bitmap: bitmap.subarray(0, length) };
  }

  /** Moves on over what has come without a gap. */
  #close(): void {
    while (this.#beyond.delete(this.#upTo + 1)) this.#upTo += 1;
  }
}

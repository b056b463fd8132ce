import { hash } from 'node:crypto';
import type { BrokerMessage } from './mqtt-session.ts';

interface Receipt {
  readonly digest: string;
  readonly receivedAtMs: number;
}

/** More than a broker sends before the first of them is acknowledged; some 200 bytes each. */
const RECEIPTS_MAX = 4096;

/**
 * When messages were received first that a broker sends again, after its connection broke or an acknowledgement was lost: with
 * the same number, topic and bytes, and the mark DUP (MQTT 3.1.1 sections 3.3.1.1 and 4.4). Not across a restart.
 */
export class FirstReceipts {
  /** By the broker's number, the oldest first. */
  readonly #receipts = new Map<number, Receipt>();

  /** @returns UTC, milliseconds since 1970: `nowMs` where the message is new */
  receivedAtMs({ topic, payload, packetId, isRepeat }: BrokerMessage, nowMs: number): number {
    if (packetId === undefined) return nowMs;
    const digest = hash('sha1', Buffer.concat([Buffer.from(`${topic}\0`), payload]));
    const known = this.#receipts.get(packetId);
    const receivedAtMs = isRepeat && known?.digest === digest ? known.receivedAtMs : nowMs;
    this.#receipts.delete(packetId);
    this.#receipts.set(packetId, { digest, receivedAtMs });
    if (this.#receipts.size > RECEIPTS_MAX) {
      const [oldest] = this.#receipts.keys();
      this.#receipts.delete(oldest as number);
    }
    return receivedAtMs;
  }
}

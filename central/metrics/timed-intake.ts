import type { RejectCode } from '../../protocol/ack.ts';
import { decodeAck } from '../../protocol/ack-codec.ts';
import { countOf } from '../../protocol/intervals.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { BatchReceiver } from '../ingest/ingest.ts';

/** What is noticed of batches and their answers. */
export interface BatchListener {
  /** A batch of this gateway that could be read. */
  heard(gateway: string, bytes: number): void;
  answered(answer: 'stored' | 'held', latencyMs: number): void;
  rejected(code: RejectCode, records: number): void;
}

/** An intake that is timed: from the arrival of a batch to the first answer that says that anything of it is durable. */
export class TimedIntake implements BatchReceiver {
  readonly #intake: BatchReceiver;
  readonly #listener: BatchListener;
  readonly #clock: Clock;

  constructor(intake: BatchReceiver, listener: BatchListener, clock: Clock) {
    this.#intake = intake;
    this.#listener = listener;
    this.#clock = clock;
  }

  receive(gateway: string, bytes: Uint8Array, answer: (ack: Uint8Array) => void): void {
    const startMs = this.#clock.monotonicMs();
    const { length } = bytes;
    let isHeard = false;
    let isTimed = false;
    this.#intake.receive(gateway, bytes, (encoded) => {
      answer(encoded);
      const { stored, held, rejected = [], unreadable } = decodeAck(encoded);
      if (!isHeard && unreadable === undefined) this.#listener.heard(gateway, length);
      isHeard = true;
      for (const { code, ranges } of rejected) this.#listener.rejected(code, countOf(ranges));
      const what = stored !== undefined ? 'stored' : held !== undefined ? 'held' : undefined;
      if (what === undefined || isTimed) return;
      isTimed = true;
      this.#listener.answered(what, this.#clock.monotonicMs() - startMs);
    });
  }
}

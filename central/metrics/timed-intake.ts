import type { RejectCode } from '../../protocol/ack.ts';
import { decodeAck } from '../../protocol/ack-codec.ts';
import { countOf } from '../../protocol/intervals.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { BatchReceiver, Route } from '../ingest/ingest.ts';

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

  receive(gateway: string, bytes: Uint8Array, answer: (ack: Uint8Array) => void, route?: Route): void {
    const startMs = this.#clock.monotonicMs();
    const { length } = bytes;
    let isHeard = false;
    let isTimed = false;
    const heard = (what: 'stored' | 'held' | undefined): void => {
      if (!isHeard) this.#listener.heard(gateway, length);
      isHeard = true;
      if (what === undefined || isTimed) return;
      isTimed = true;
      this.#listener.answered(what, this.#clock.monotonicMs() - startMs);
    };
    const answerMany = (encoded: Uint8Array): void => {
      answer(encoded);
      for (const { code, ranges } of decodeAck(encoded).rejected ?? []) this.#listener.rejected(code, countOf(ranges));
    };
    const timed = (encoded: Uint8Array): void => {
      answerMany(encoded);
      const { stored, held, unreadable } = decodeAck(encoded);
      if (unreadable === undefined) heard(stored !== undefined ? 'stored' : held !== undefined ? 'held' : undefined);
    };
    if (route === undefined) this.#intake.receive(gateway, bytes, timed);
    else this.#intake.receive(gateway, bytes, timed, { ...route, answerMany, onHeld: () => heard('held') });
  }
}

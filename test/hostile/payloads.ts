import assert from 'node:assert/strict';
import { encodeBatch } from '../../protocol/batch-codec.ts';
import { PREAMBLE_BYTES, writePreamble } from '../../protocol/codec/preamble.ts';
import { topicOf } from '../../protocol/topics.ts';
import type { SeededRandom } from '../../runtime/random.ts';
import { samplesOf } from '../batches.ts';
import { mutated, resealedBatch } from '../protocol/damage.ts';

export interface HostilePayloadsOptions {
  readonly random: SeededRandom;
  /** Batches of the victim that an attacker has heard so far; grows. */
  readonly heard: readonly Uint8Array[];
  readonly victim: string;
  /** A name that is used for what the protocol lets in. */
  readonly insider: string;
}

export interface Publication {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
}

const STATES = 300;
const SMALL_BATCHES = 40;

/**
 * What somebody on the centre's own machine may publish: garbage in the victim's name, and in the insider's also batches
 * that are whole as far as their checksums say. None of it may be read as a record of the victim that it has not sent.
 */
export class HostilePayloads {
  readonly #options: HostilePayloadsOptions;
  readonly #random: SeededRandom;
  readonly #small: readonly Uint8Array[];
  readonly #kinds: readonly (() => Partial<Publication> & Omit<Publication, 'retain'>)[];
  #turn = 0;

  constructor(options: HostilePayloadsOptions) {
    const { random, victim, insider } = options;
    this.#options = options;
    this.#random = random;
    this.#small = Array.from({ length: SMALL_BATCHES }, (_, batch) => {
      const records = samplesOf(Array.from({ length: 1 + random.integer(4) }, (_one, index) => batch * 10 + index + 1));
      return encodeBatch({ salt: random.bytes(16), batch, token: random.bytes(8), records });
    });
    const [asVictim, asInsider] = [topicOf(victim, 'batch'), topicOf(insider, 'batch')];
    this.#kinds = [
      () => ({ topic: asVictim, payload: random.bytes(random.integer(3000)) }),
      () => ({ topic: asVictim, payload: this.#heard() }),
      () => ({ topic: asVictim, payload: mutated(this.#heard(), 0, random) }),
      () => ({ topic: asVictim, payload: this.#truncated() }),
      () => ({ topic: asVictim, payload: this.#withAnotherPreamble() }),
      () => ({ topic: asInsider, payload: this.#heard() }),
      () => ({ topic: asInsider, payload: this.whole() }),
      () => ({ topic: asInsider, payload: this.#beyondBounds() }),
      () => ({ topic: asInsider, payload: Buffer.from(JSON.stringify({ temperature: random.uniform() })) }),
      () => ({ topic: this.#stateTopic(), payload: random.bytes(random.integer(1000)), retain: true }),
    ];
  }

  next(): Publication {
    const kind = this.#kinds[this.#turn % this.#kinds.length];
    assert(kind !== undefined, 'there are kinds');
    this.#turn += 1;
    return { retain: false, ...kind() };
  }

  /** What the broker's rules refuse, whoever publishes it. */
  refused(): Publication {
    const { victim } = this.#options;
    const [payload, retain] = [this.#heard(), false];
    return this.#one<Publication>([
      { topic: topicOf(victim, 'ack'), payload, retain },
      { topic: topicOf(victim, 'batch'), payload, retain: true },
      { topic: topicOf(victim, 'state'), payload: this.#random.bytes(5000), retain: true },
      { topic: `mooring/2/${victim}/batch`, payload, retain },
      { topic: 'mooring/1//batch', payload, retain },
      { topic: '$SYS/broker', payload, retain },
      { topic: topicOf(victim, 'batch'), payload: new Uint8Array(200_000), retain },
    ]);
  }

  /** A batch whose checksums hold, and of whose inside nothing else has to. */
  whole(): Uint8Array {
    return resealedBatch(mutated(this.#one(this.#small), PREAMBLE_BYTES, this.#random));
  }

  #truncated(): Uint8Array {
    const batch = this.#heard();
    return batch.subarray(0, this.#random.integer(batch.length));
  }

  /** Another number, token, version or length; the body stays, so what can be read of it is a repeat. */
  #withAnotherPreamble(): Uint8Array {
    const copy = Uint8Array.from(this.#heard());
    const name = { salt: copy.slice(6, 22), batch: this.#random.integer(2 ** 32), token: this.#random.bytes(8) };
    writePreamble(copy, { ...name, version: 1 + this.#random.integer(255) });
    return this.#random.integer(2) === 0 ? copy : copy.subarray(0, copy.length - 1);
  }

  /** Counts and lengths at the beginning of the body say the most that their bits can. */
  #beyondBounds(): Uint8Array {
    const copy = Uint8Array.from(this.#one(this.#small));
    const at = PREAMBLE_BYTES + this.#random.integer(12);
    copy.fill(255, at, at + 1 + this.#random.integer(12));
    return resealedBatch(copy);
  }

  #stateTopic(): string {
    return topicOf(`stranger-${this.#random.integer(STATES)}`, 'state');
  }

  #heard(): Uint8Array {
    return this.#one(this.#options.heard);
  }

  #one<T>(list: readonly T[]): T {
    return list[this.#random.integer(list.length)] as T;
  }
}

import type { KeyObject } from 'node:crypto';
import { DATAGRAM_BYTES_MAX, headerBytes } from '../../protocol/udp/datagram.ts';
import { seal, sealKey } from '../../protocol/udp/seal.ts';
import type { SeededRandom } from '../../runtime/random.ts';
import { mutated } from '../protocol/damage.ts';

export interface HeardDatagrams {
  readonly up: readonly Uint8Array[];
  readonly down: readonly Uint8Array[];
}

export interface HostileDatagramsOptions {
  readonly random: SeededRandom;
  /** What an attacker has heard so far; grows. */
  readonly heard: HeardDatagrams;
  /** Whose traffic that is. */
  readonly victim: string;
  /** A gateway that has a key of its own, and bad intentions. */
  readonly insider: string;
  readonly insiderKey: Uint8Array;
  /** Datagrams of a session that it has. */
  readonly inSession: () => Uint8Array;
}

const COUNTER_BYTES = 8;
const NAME_AT = 5;
const SALTS = 50;
/** A little more than what is taken. */
const BYTES_MAX = DATAGRAM_BYTES_MAX + 200;
const COUNTER_MAX = Number.MAX_SAFE_INTEGER;

/** A salt and the key that follows from it: it makes the centre's work worth more than garbage does. */
interface Sender {
  readonly salt: Uint8Array;
  readonly key: KeyObject;
  counter: number;
}

/** Datagrams that nobody should believe, of each kind as many, in turn. */
export class HostileDatagrams {
  readonly #options: HostileDatagramsOptions;
  readonly #random: SeededRandom;
  readonly #senders: { readonly own: readonly Sender[]; readonly forged: readonly Sender[] };
  readonly #kinds: readonly (() => Uint8Array)[];
  #turn = 0;

  constructor(options: HostileDatagramsOptions) {
    this.#options = options;
    this.#random = options.random;
    this.#senders = { own: this.#sendersAs(options.insider), forged: this.#sendersAs(options.victim) };
    this.#kinds = [
      () => this.#random.bytes(this.#random.integer(BYTES_MAX)),
      () => this.#heard('up'),
      () => this.#heard('down'),
      () => mutated(this.#heard('up'), 0, this.#random),
      () => mutated(this.#heard('up'), headerBytes(options.victim), this.#random),
      () => this.#truncated(),
      () => this.#underAnotherName(),
      () => this.#underAnotherCounter(),
      () => this.#sealed(options.victim, this.#one(this.#senders.forged)),
      () => this.#sealed(options.insider, this.#one(this.#senders.own)),
      options.inSession,
    ];
  }

  next(): Uint8Array {
    const kind = this.#kinds[this.#turn % this.#kinds.length] as () => Uint8Array;
    this.#turn += 1;
    return kind();
  }

  /** Keys that follow from the insider's, whatever name they are used under. */
  #sendersAs(gateway: string): Sender[] {
    return Array.from({ length: SALTS }, () => {
      const salt = this.#random.bytes(16);
      return { salt, key: sealKey(this.#options.insiderKey, { direction: 'up', gateway, salt }), counter: 0 };
    });
  }

  #heard(way: 'up' | 'down'): Uint8Array {
    return this.#one(this.#options.heard[way]);
  }

  #truncated(): Uint8Array {
    const datagram = this.#heard('up');
    return datagram.subarray(0, this.#random.integer(datagram.length));
  }

  #underAnotherName(): Uint8Array {
    const { insider, victim } = this.#options;
    const name = this.#random.integer(2) === 0 ? insider : `nobody-${this.#random.integer(1000)}`;
    const rest = this.#heard('up').subarray(NAME_AT + victim.length);
    const head = this.#heard('up').slice(0, NAME_AT);
    head[NAME_AT - 1] = name.length;
    return Buffer.concat([head, Buffer.from(name), rest]);
  }

  #underAnotherCounter(): Uint8Array {
    const copy = Uint8Array.from(this.#heard('up'));
    const at = headerBytes(this.#options.victim) - COUNTER_BYTES;
    const far = [0n, 1n, 2n ** 48n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 64n - 1n];
    const view = new DataView(copy.buffer);
    const counter =
      this.#random.integer(2) === 0 ? this.#one(far) : view.getBigUint64(at) + BigInt(this.#random.integer(5000));
    view.setBigUint64(at, counter);
    return copy;
  }

  /** Whole as far as the seal says; what is inside is of any kind. */
  #sealed(gateway: string, sender: Sender): Uint8Array {
    const leap = this.#random.integer(100) === 0 ? this.#random.integer(2 ** 31) * 2 ** 20 : this.#random.integer(3);
    sender.counter = Math.min(COUNTER_MAX, sender.counter + 1 + leap);
    const frame = this.#random.bytes(this.#random.integer(120));
    if (frame.length > 0) frame[0] = this.#random.integer(9);
    return seal(sender.key, { direction: 'up', gateway, salt: sender.salt, counter: sender.counter }, frame);
  }

  #one<T>(list: readonly T[]): T {
    return list[this.#random.integer(list.length)] as T;
  }
}

import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { peekDatagram } from '../../protocol/udp/datagram.ts';
import { decodeFrame, encodeFrame, type Frame, messageBytesMax } from '../../protocol/udp/frames.ts';
import { seal, sealKey, unseal } from '../../protocol/udp/seal.ts';
import type { SeededRandom } from '../../runtime/random.ts';

export interface InsiderOptions {
  readonly gateway: string;
  readonly sharedKey: Uint8Array;
  readonly random: SeededRandom;
  /** What it sends for batches. */
  readonly message: () => Uint8Array;
}

const NUMBER_SPREAD = 600;
const ANSWER_MS = 10_000;

/** A gateway whose key has been stolen: the centre has let it in, and believes its seal. */
export class Insider {
  readonly #options: InsiderOptions;
  readonly #salt: Uint8Array;
  readonly #key: KeyObject;
  #counter = 0;
  #number = 0;
  #centreSalt: Uint8Array = new Uint8Array(16);

  constructor(options: InsiderOptions) {
    const { gateway, sharedKey, random } = options;
    this.#options = options;
    this.#salt = random.bytes(16);
    this.#key = sealKey(sharedKey, { direction: 'up', gateway, salt: this.#salt });
  }

  /** Says hello, echoes the challenge, and is accepted. */
  async enter(port: number): Promise<void> {
    const socket = createSocket('udp4');
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    try {
      const ask = async (frame: Frame): Promise<Frame> => {
        const answer = once(socket, 'message', { signal: AbortSignal.timeout(ANSWER_MS) });
        socket.send(this.#sealed(encodeFrame(frame)));
        return this.#opened((await answer)[0] as Buffer);
      };
      const challenge = await ask({ kind: 'hello' });
      assert(challenge.kind === 'challenge', 'a hello is challenged');
      const accepted = await ask({ kind: 'echo', nonce: challenge.nonce, lowest: 1 });
      assert(accepted.kind === 'accepted', 'an echo is accepted');
    } finally {
      socket.close();
    }
  }

  /** One that is taken for what it says: receipts and messages of any kind, or anything at all. */
  next(): Uint8Array {
    const { random } = this.#options;
    if (random.integer(3) > 0) return this.#sealed(encodeFrame(this.#carriage()));
    const anything = random.bytes(1 + random.integer(200));
    anything[0] = random.integer(9);
    return this.#sealed(anything);
  }

  #carriage(): Frame {
    const { random, gateway, message } = this.#options;
    // Now and then it leaps ahead, and what it has skipped will never come.
    this.#number += random.integer(100) === 0 ? random.integer(2 ** 20) : random.integer(3);
    const number = Math.max(1, this.#number - random.integer(NUMBER_SPREAD));
    const back = random.integer(Math.min(number, 512));
    const tag = random.integer(2) === 0 ? random.bytes(4) : this.#centreSalt.slice(0, 4);
    return {
      kind: 'carriage',
      receipts: { tag, upTo: random.integer(2 ** 16), bitmap: random.bytes(random.integer(3)) },
      message: { number, back, bytes: message().subarray(0, messageBytesMax(gateway)) },
    };
  }

  #sealed(frame: Uint8Array): Uint8Array {
    this.#counter += 1;
    const { gateway } = this.#options;
    return seal(this.#key, { direction: 'up', gateway, salt: this.#salt, counter: this.#counter }, frame);
  }

  #opened(datagram: Uint8Array): Frame {
    const { gateway, sharedKey } = this.#options;
    const header = peekDatagram(datagram);
    assert(header?.direction === 'down', 'it comes from the centre');
    this.#centreSalt = header.salt;
    const key = sealKey(sharedKey, { direction: 'down', gateway, salt: header.salt });
    const plain = unseal(key, header, datagram, this.#salt);
    assert(plain !== undefined, 'it is authentic');
    const frame = decodeFrame(plain, 'down');
    assert(frame !== undefined, 'it is a frame');
    return frame;
  }
}

import type { Clock } from '../../runtime/clock.ts';
import type { Truth } from '../chips/chip.ts';
import { every, type Talker, type TalkerSurroundings } from './talker.ts';

/** From power-on, or waking, to the first frame: what others have measured, as the manual is silent. */
const FIRST_MS = 2500;
const PERIOD_MS = 1000;
/** While the fan starts too little air, and so too little dust, comes through: what is missing falls by e in this time. */
const FAN_MS = 2500;
/** Above this the sensor takes less than its factory's calibration says for the open air. */
const DENSE = 30;

/**
 * Model of a Plantower PMS5003, from its data manual (2016): speaks every second in active mode, when asked in passive mode,
 * and not at all while it sleeps.
 */
export class Pms5003Talker implements Talker {
  readonly #clock: Clock;
  readonly #truth: Truth;
  #say: (bytes: Uint8Array) => void = () => undefined;
  #mode: 'active' | 'passive' = 'active';
  #startedMs = 0;
  #heard = Buffer.alloc(0);
  #stop: (() => void) | undefined;
  /** What it says of its own state; 0: well. */
  errorCode = 0;
  /** Its values do not change any more; undefined: they do. */
  stuckAt: number | undefined;

  constructor({ clock, truth }: TalkerSurroundings) {
    this.#clock = clock;
    this.#truth = truth;
  }

  powerUp(say: (bytes: Uint8Array) => void): void {
    this.#say = say;
    this.#mode = 'active';
    this.#wake();
  }

  powerDown(): void {
    this.#sleep();
  }

  get isAsleep(): boolean {
    return this.#stop === undefined;
  }

  hear(bytes: Uint8Array): void {
    this.#heard = Buffer.concat([this.#heard, bytes]).subarray(-64);
    for (let at = 0; at + 7 <= this.#heard.length; at += 1) {
      const command = this.#heard.subarray(at, at + 7);
      if (command.readUInt16BE(0) !== 0x424d || sumOf(command.subarray(0, 5)) !== command.readUInt16BE(5)) continue;
      this.#heard = this.#heard.subarray(at + 7);
      this.#obey(command.readUInt8(2), command.readUInt8(4));
      at = -1;
    }
  }

  #obey(code: number, data: number): void {
    if (code === 0xe4) {
      if (data === 0) this.#sleep();
      else if (this.isAsleep) this.#wake();
    } else if (!this.isAsleep && code === 0xe1) {
      this.#mode = data === 0 ? 'passive' : 'active';
      this.#say(withSum(Buffer.of(0x42, 0x4d, 0, 4, code, data)));
    } else if (!this.isAsleep && code === 0xe2 && this.#mode === 'passive') {
      this.#say(this.#frame());
    }
  }

  #wake(): void {
    this.#startedMs = this.#clock.monotonicMs();
    const speak = (): void => {
      if (this.#mode === 'active') this.#say(this.#frame());
    };
    this.#stop = this.#clock.after(FIRST_MS, () => {
      this.#stop = every(this.#clock, PERIOD_MS, speak);
      speak();
    });
  }

  #sleep(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #frame(): Buffer {
    const flow = 1 - Math.exp(-(this.#clock.monotonicMs() - this.#startedMs) / FAN_MS);
    const [pm1, pm25, pm10] = ['pm1', 'particulate_matter', 'pm10'].map(
      (name) => this.stuckAt ?? flow * this.#truth(name),
    ) as [number, number, number];
    const factory = (value: number): number => (value > DENSE ? 1.5 * value : value);
    // Counts of particles beyond 0.3, 0.5, 1, 2.5, 5 and 10 µm in 0.1 l of air.
    const counts = [90 * pm1, 27 * pm1, 4 * pm1, pm25 - pm1, pm10 - pm25, 0.3 * (pm10 - pm25)];
    const words = [factory(pm1), factory(pm25), factory(pm10), pm1, pm25, pm10, ...counts];
    const frame = Buffer.alloc(30);
    frame.writeUInt32BE(0x424d001c, 0);
    for (const [index, word] of words.entries()) {
      frame.writeUInt16BE(Math.min(0xffff, Math.max(0, Math.round(word))), 4 + 2 * index);
    }
    frame.writeUInt8(0x97, 28);
    frame.writeUInt8(this.errorCode, 29);
    return withSum(frame);
  }
}

function withSum(body: Buffer): Buffer {
  const sum = sumOf(body);
  return Buffer.concat([body, Buffer.of(sum >> 8, sum & 0xff)]);
}

function sumOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum + byte, 0);
}

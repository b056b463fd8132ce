import type { Clock } from '../../runtime/clock.ts';
import type { Truth } from '../chips/chip.ts';
import { every, type Talker, type TalkerSurroundings } from './talker.ts';

/** From power-on, or waking, to the first frame. */
const FIRST_MS = 3000;
const PERIOD_MS = 1000;
/** While the fan starts too little dust comes through: what is missing falls by e in this time. */
const FAN_MS = 2500;
const COMMAND_BYTES = 19;
const ID = [0xa1, 0x60] as const;

/** Model of a Nova SDS011, from its control protocol V1.3: reports every second, or when asked; sleeps and works as it is told. */
export class Sds011Talker implements Talker {
  readonly #clock: Clock;
  readonly #truth: Truth;
  #say: (bytes: Uint8Array) => void = () => undefined;
  /** Kept without power, as the working period is. */
  #reports: 'by itself' | 'when asked' = 'by itself';
  #periodMinutes = 0;
  #startedMs = 0;
  #heard = Buffer.alloc(0);
  #stop: (() => void) | undefined;

  constructor({ clock, truth }: TalkerSurroundings) {
    this.#clock = clock;
    this.#truth = truth;
  }

  powerUp(say: (bytes: Uint8Array) => void): void {
    this.#say = say;
    this.#work();
  }

  powerDown(): void {
    this.#sleep();
  }

  get isAsleep(): boolean {
    return this.#stop === undefined;
  }

  hear(bytes: Uint8Array): void {
    this.#heard = Buffer.concat([this.#heard, bytes]).subarray(-128);
    for (let at = 0; at + COMMAND_BYTES <= this.#heard.length; at += 1) {
      const command = this.#heard.subarray(at, at + COMMAND_BYTES);
      const isCommand = command[0] === 0xaa && command[1] === 0xb4 && command[18] === 0xab;
      if (!isCommand || sumOf(command.subarray(2, 17)) !== command[17]) continue;
      this.#heard = this.#heard.subarray(at + COMMAND_BYTES);
      this.#obey(command.readUInt8(2), command.readUInt8(3), command.readUInt8(4));
      at = -1;
    }
  }

  #obey(code: number, isSet: number, value: number): void {
    if (code === 6 && isSet === 1) {
      if (value === 0) this.#sleep();
      else if (this.isAsleep) this.#work();
    }
    if (this.isAsleep && code !== 6) return;
    if (code === 2 && isSet === 1) this.#reports = value === 0 ? 'by itself' : 'when asked';
    if (code === 8 && isSet === 1) this.#periodMinutes = value;
    if (code === 4) {
      this.#say(this.#report());
      return;
    }
    const told = { 2: this.#reports === 'by itself' ? 0 : 1, 6: this.isAsleep ? 0 : 1, 8: this.#periodMinutes }[code];
    if (told !== undefined) this.#say(framed(0xc5, [code, isSet, told, 0, ...ID]));
  }

  #work(): void {
    this.#startedMs = this.#clock.monotonicMs();
    const speak = (): void => {
      if (this.#reports === 'by itself') this.#say(this.#report());
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

  #report(): Uint8Array {
    const flow = 1 - Math.exp(-(this.#clock.monotonicMs() - this.#startedMs) / FAN_MS);
    const words = ['particulate_matter', 'pm10'].flatMap((name) => {
      const tenths = Math.min(0xffff, Math.max(0, Math.round(10 * flow * this.#truth(name))));
      return [tenths & 0xff, tenths >> 8];
    });
    return framed(0xc0, [...words, ...ID]);
  }
}

function framed(kind: number, data: readonly number[]): Uint8Array {
  return Uint8Array.of(0xaa, kind, ...data, sumOf(Uint8Array.from(data)), 0xab);
}

function sumOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
}

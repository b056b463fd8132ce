import type { Clock } from '../../runtime/clock.ts';
import type { Truth } from '../chips/chip.ts';
import { every, type Talker, type TalkerSurroundings } from './talker.ts';

const PERIOD_MS = 1000;
/** A board restarts its program when it gets power. */
const BOOT_MS = 500;

export interface LineTalkerOptions extends TalkerSurroundings {
  /** What it measures, in this order. */
  readonly quantities: readonly string[];
  readonly format: 'csv' | 'json' | 'key-value';
  /** Between columns of csv; a comma if left out. */
  readonly separator?: string;
  /** Default 2. */
  readonly decimals?: number;
  /** Whether each line ends with the exclusive or of what it says. */
  readonly hasChecksum?: boolean;
}

/** A microcontroller that greets, and then prints a line a second. */
export class LineTalker implements Talker {
  readonly #options: LineTalkerOptions;
  readonly #clock: Clock;
  readonly #truth: Truth;
  #stop: () => void = () => undefined;
  /** Quantities whose sensor does not answer: it prints `nan`, or `null` in JSON. */
  readonly failed = new Set<string>();

  constructor(options: LineTalkerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#truth = options.truth;
  }

  powerUp(say: (bytes: Uint8Array) => void): void {
    const print = (line: string): void => say(Buffer.from(`${line}\r\n`, 'latin1'));
    this.#stop = this.#clock.after(BOOT_MS, () => {
      print(`weather board, ${this.#options.quantities.join(' ')}`);
      this.#stop = every(this.#clock, PERIOD_MS, () => print(this.#closed(this.#line())));
    });
  }

  powerDown(): void {
    this.#stop();
  }

  hear(): void {
    // It only speaks.
  }

  #line(): string {
    const { quantities, format, separator = ',' } = this.#options;
    const said = quantities.map((quantity) => [quantity, this.#printed(quantity)] as const);
    if (format === 'csv') return said.map(([, text]) => text).join(separator);
    if (format === 'key-value') return said.map(([key, text]) => `${key}=${text}`).join(' ');
    return `{${said.map(([key, text]) => `"${key}":${text}`).join(',')}}`;
  }

  #printed(quantity: string): string {
    if (this.failed.has(quantity)) return this.#options.format === 'json' ? 'null' : 'nan';
    return this.#truth(quantity).toFixed(this.#options.decimals ?? 2);
  }

  #closed(line: string): string {
    if (this.#options.hasChecksum !== true) return line;
    const sum = Buffer.from(line, 'latin1').reduce((xor, byte) => xor ^ byte, 0);
    return `${line}*${sum.toString(16).toUpperCase().padStart(2, '0')}`;
  }
}

import type { Clock } from '../../runtime/clock.ts';
import { type I2cChip, I2cNack, type Truth } from './chip.ts';

export interface Mcp9808Options {
  readonly clock: Clock;
  /** `temperature` in °C. */
  readonly truth: Truth;
  readonly address?: number;
  /** The device's id and revision; another one than its own for another chip of the family. */
  readonly deviceId?: number;
}

/** Steps of the result in sixteenths of a degree, and the typical time of a conversion in milliseconds; table 5-2. */
const RESOLUTIONS = [
  [8, 30],
  [4, 65],
  [2, 130],
  [1, 250],
] as const;
/** Sixteenths of a degree; register 5-2. */
const HYSTERESES = [0, 24, 48, 96] as const;

const LIMIT_BITS = 0x1ffc;
const SHUTDOWN = 0x0100;
const LOCKS = 0x00c0;
const WINDOW_LOCK = 0x0040;
const CRITICAL_LOCK = 0x0080;
const ALERT_SELECT = 0x0004;
/** What can be written to the configuration but for the locks: hysteresis, shutdown, the settings of the alert. */
const SETTINGS = 0x070f;

/** MCP9808 by its data sheet, DS25095A: all registers, locks, shutdown, conversion times, the bits of the alert; not its pin. */
export class Mcp9808Chip implements I2cChip {
  readonly address: number;
  readonly #clock: Clock;
  readonly #truth: Truth;
  readonly #deviceId: number;
  #pointer = 0;
  #config = 0;
  /** `T_UPPER`, `T_LOWER`, `T_CRIT`, as words of their registers. */
  readonly #limits = { upper: 0, lower: 0, critical: 0 };
  #resolution = 3;
  /** Of the last conversion: sixteenths of a degree, and how it compares with the limits. */
  #temperature = 0;
  readonly #is = { above: false, below: false, critical: false };
  /** Undefined: it is shut down. */
  #doneMs: number | undefined;

  constructor({ clock, truth, address = 0x18, deviceId = 0x0400 }: Mcp9808Options) {
    this.#clock = clock;
    this.#truth = truth;
    this.#deviceId = deviceId;
    this.address = address;
    this.powerCycle();
  }

  /** The registers of table 5-3: 0 °C until the first conversion is done. */
  powerCycle(): void {
    this.#pointer = 0;
    this.#config = 0;
    Object.assign(this.#limits, { upper: 0, lower: 0, critical: 0 });
    Object.assign(this.#is, { above: false, below: false, critical: false });
    this.#resolution = 3;
    this.#temperature = 0;
    this.#begin();
  }

  write(bytes: Uint8Array): void {
    this.#advance();
    const [pointer, high, low] = bytes;
    if (pointer === undefined) return;
    // Behind the others are registers for test and calibration, which nobody may touch.
    if (pointer > 8) throw new I2cNack();
    this.#pointer = pointer;
    if (high === undefined) return;
    if (pointer === 8) this.#resolution = high & 3;
    else if (low !== undefined) this.#write(pointer, (high << 8) | low);
  }

  /** One register: it does not go on to the next. */
  read(length: number): Uint8Array {
    this.#advance();
    const word = this.#word();
    const bytes = this.#pointer === 8 ? [word] : [word >> 8, word & 0xff];
    return Uint8Array.from({ length }, (_, index) => bytes[index] ?? 0xff);
  }

  #word(): number {
    const { upper, lower, critical } = this.#limits;
    const words = [0x001f, this.#config, upper, lower, critical, this.#ambient(), 0x0054, this.#deviceId];
    return words[this.#pointer] ?? this.#resolution;
  }

  #ambient(): number {
    const { above, below, critical } = this.#is;
    const bits = (critical ? 0x8000 : 0) | (above ? 0x4000 : 0) | (below ? 0x2000 : 0);
    return bits | (this.#temperature & 0x1fff);
  }

  #write(register: number, word: number): void {
    if (register === 1) this.#configure(word);
    const limit = word & LIMIT_BITS;
    if (register === 2 && (this.#config & WINDOW_LOCK) === 0) this.#limits.upper = limit;
    if (register === 3 && (this.#config & WINDOW_LOCK) === 0) this.#limits.lower = limit;
    if (register === 4 && (this.#config & CRITICAL_LOCK) === 0) this.#limits.critical = limit;
  }

  /** A lock stays until the power goes; it leaves only an end of the shutdown to be written, and `Alert Sel.` that of `T_CRIT`. */
  #configure(word: number): void {
    const before = this.#config;
    let changeable = SETTINGS;
    if ((before & LOCKS) !== 0) changeable = before & SHUTDOWN;
    if ((before & LOCKS) === CRITICAL_LOCK) changeable |= ALERT_SELECT;
    this.#config = (before & ~changeable) | (word & changeable) | (word & LOCKS);
    if ((this.#config & SHUTDOWN) !== 0) this.#doneMs = undefined;
    else if (this.#doneMs === undefined) this.#begin();
  }

  #begin(): void {
    this.#doneMs = this.#clock.monotonicMs() + (RESOLUTIONS[this.#resolution]?.[1] ?? 0);
  }

  #advance(): void {
    if (this.#doneMs === undefined || this.#clock.monotonicMs() < this.#doneMs) return;
    const [step] = RESOLUTIONS[this.#resolution] ?? RESOLUTIONS[3];
    const steps = Math.round((this.#truth('temperature') * 16) / step);
    this.#temperature = Math.max(-4096, Math.min(4096 - step, steps * step));
    this.#compare();
    this.#begin();
  }

  /** Figure 5-10: the hysteresis is below each limit, and counts when it gets colder. */
  #compare(): void {
    const upper = signed(this.#limits.upper);
    const lower = signed(this.#limits.lower);
    const critical = signed(this.#limits.critical);
    const hysteresis = HYSTERESES[(this.#config >> 9) & 3] ?? 0;
    const now = this.#temperature;
    this.#is.above = now > upper || (this.#is.above && now > upper - hysteresis);
    this.#is.below = now < lower - hysteresis || (this.#is.below && now < lower);
    this.#is.critical = now >= critical || (this.#is.critical && now >= critical - hysteresis);
  }
}

/** Sixteenths of a degree from 13 bits. */
function signed(word: number): number {
  return word >= 0x1000 ? word - 0x2000 : word;
}

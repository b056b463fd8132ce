import { SeededRandom } from '../../../runtime/random.ts';
import { type DeviceMessage, type DeviceTalker, rounded } from './device.ts';
import { WallClock } from './wall-clock.ts';

export interface LinesTalkerOptions {
  readonly seed: number;
  /** Of the first quarter of an hour; the midnight of the zone that begins 2020-01-01 when left out. */
  readonly startMs?: number;
  /** What the stamps are in; Europe/Athens when left out. They name none: those of the hour that comes twice come twice. */
  readonly zone?: string;
}

const QUARTER_MS = 900_000;
const STEPS_A_DAY = 96;
/** One of twenty readings of W1 is held back for two days, one of 120 for ten. */
const HELD_BACK = [
  { every: 20, steps: 2 * STEPS_A_DAY },
  { every: 120, steps: 10 * STEPS_A_DAY },
] as const;
/** Mean temperatures of Athens by month, °C, to a degree. */
const MONTHLY_MEANS = [10, 11, 13, 16, 21, 26, 28, 28, 24, 20, 15, 12];
/** Water of a household by hour: three times of day, their width in hours. */
const WATER_PEAKS = [
  [7, 2.1],
  [23, 2.5],
  [16, 5],
] as const;
const UNIT_METRIC = { temperature: 'temperature', energy: 'x_energy', water: 'x_water', motion: 'x_motion' } as const;
type Topic = keyof typeof UNIT_METRIC;

interface Said {
  readonly sensor: string;
  readonly topic: Topic;
  readonly value: number;
  readonly stampMs: number;
}

/**
 * A building that says `sensor | YYYY-MM-DD HH:MM | value` each quarter of an hour: TH1 and TH2 in °C, HVAC1, HVAC2, MiAC1
 * and MiAC2 in Wh, W1 in litres; once a day what Etot and Wtot have counted, and four or five times Mov1. Of W1 some come
 * two and ten days late: readings that were held back, with the value that they had.
 */
export function* linesTalker({ seed, startMs, zone = 'Europe/Athens' }: LinesTalkerOptions): DeviceTalker {
  const wall = new WallClock(zone);
  const building = new Building(new SeededRandom(seed));
  const held = new Map<number, Said[]>();
  const firstMs = startMs ?? wall.midnightMs(2020, 0, 1);
  for (let step = 0; ; step += 1) {
    const atMs = firstMs + step * QUARTER_MS;
    for (const late of held.get(step) ?? []) yield messageOf(late, atMs, wall);
    held.delete(step);
    for (const one of building.step(atMs, wall.hoursOf(atMs), wall.monthOf(atMs))) {
      const delay =
        one.sensor === 'W1' ? HELD_BACK.find(({ every, steps }) => (step + steps) % every === 0) : undefined;
      if (delay === undefined) yield messageOf(one, Math.max(atMs, one.stampMs), wall);
      else held.set(step + delay.steps, [...(held.get(step + delay.steps) ?? []), one]);
    }
  }
}

function messageOf({ sensor, topic, value, stampMs }: Said, atMs: number, wall: WallClock): DeviceMessage {
  const truth = { sourceId: sensor, timestampMs: stampMs, metrics: { [UNIT_METRIC[topic]]: value } };
  return { atMs, topic, bytes: Buffer.from(`${sensor} | ${wall.stampOf(stampMs)} | ${value}`), truth: [truth] };
}

class Building {
  readonly #random: SeededRandom;
  #step = 0;
  #low = 0;
  #high = 0;
  #energy = 0;
  #water = 1000;
  #waterOffset = 0;
  /** Minutes of the day at which somebody moves. */
  #moves: number[] = [];

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** @param hours of the wall clock, since midnight */
  step(atMs: number, hours: number, month: number): Said[] {
    const said: Said[] = [];
    const say = (sensor: string, topic: Topic, value: number, stampMs = atMs): void => {
      said.push({ sensor, topic, value: rounded(value, 3), stampMs });
    };
    if (this.#step % STEPS_A_DAY === 0) this.#newDay(month, say);
    if (hours % 1 === 0) this.#waterOffset = this.#between(-0.1, 0.1);
    this.#step += 1;
    for (const sensor of ['TH1', 'TH2']) say(sensor, 'temperature', this.#temperature(hours));
    say('HVAC1', 'energy', this.#hvac(hours, 1));
    say('HVAC2', 'energy', this.#hvac(hours, 2));
    say('MiAC1', 'energy', hours >= 19 && hours < 23 ? 150 : this.#between(0, 150));
    say('MiAC2', 'energy', hours >= 13 && hours < 15 ? 200 : this.#between(0, 200));
    say('W1', 'water', Math.max(0, this.#flow(hours) + this.#waterOffset + this.#between(-0.1, 0.1)));
    const isDue = (minute: number): boolean => minute >= hours * 60 && minute < hours * 60 + 15;
    // In its own minute, so that two of one quarter are two.
    for (const minute of new Set(this.#moves.filter(isDue))) {
      say('Mov1', 'motion', 1, atMs + (minute - hours * 60) * 60_000);
    }
    return said;
  }

  #newDay(month: number, say: (sensor: string, topic: Topic, value: number) => void): void {
    const mean = (MONTHLY_MEANS[month] ?? 0) + this.#between(-1, 1);
    this.#low = mean - this.#between(2, 7);
    this.#high = mean + this.#between(2, 7);
    this.#moves = Array.from({ length: 4 + this.#random.integer(2) }, () => this.#random.integer(1440)).sort(
      (a, b) => a - b,
    );
    if (this.#step > 0) {
      this.#energy += 2600 * 24 + this.#between(-1000, 1000);
      this.#water += 110 + this.#between(-10, 10);
    }
    say('Etot', 'energy', this.#energy);
    say('Wtot', 'water', this.#water);
  }

  /** Lowest at six, highest at sixteen hours. */
  #temperature(hours: number): number {
    const sinceLow = (hours + 18) % 24;
    const phase = sinceLow <= 10 ? sinceLow / 20 : 0.5 + (sinceLow - 10) / 28;
    return (
      (this.#low + this.#high) / 2 -
      ((this.#high - this.#low) / 2) * Math.cos(2 * Math.PI * phase) +
      this.#between(-0.5, 0.5)
    );
  }

  #hvac(hours: number, size: number): number {
    const outside = this.#temperature(hours);
    const away = Math.abs(outside - 20);
    if (away < 3 && this.#random.uniform() < 2 / 3) return 0;
    const factor = outside >= 16 && outside <= 25 ? 1 : outside >= 12 && outside <= 35 ? 2 : 3;
    return Math.min(100 * size, factor * size * away * 2 + this.#between(19.5, 20.5));
  }

  #flow(hours: number): number {
    const peaks = WATER_PEAKS.map(
      ([hour, width]) => Math.exp(-(((hours - hour) / width) ** 2) / 2) / (width * Math.sqrt(2 * Math.PI)),
    );
    return 3 * peaks.reduce((sum, peak) => sum + peak, 0) + 0.18;
  }

  #between(least: number, most: number): number {
    return least + (most - least) * this.#random.uniform();
  }
}

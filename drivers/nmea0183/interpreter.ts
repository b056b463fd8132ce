import type { MetricValue } from '../../protocol/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Reading } from '../driver.ts';
import { readDbk, readDbs, readDbt, readDpt } from './depth.ts';
import { readHdg, readHdm, readHdt } from './heading.ts';
import type { Settings } from './options.ts';
import { readGga, readGll, readRmc } from './position.ts';
import { HOLD_MS, POSITION, Preference } from './preference.ts';
import type { Reader, Report } from './report.ts';
import { parseSentence, type Rejection } from './sentence.ts';
import { readVhw, readVtg } from './speed.ts';
import { readZda } from './time.ts';
import { readMtw, readXdr } from './transducers.ts';
import { readMwd, readMwv, readVwr, readVwt } from './wind.ts';

/** Every kind of sentence that is understood; all others are passed over. */
const READERS: Readonly<Record<string, Reader>> = {
  DBK: readDbk,
  DBS: readDbs,
  DBT: readDbt,
  DPT: readDpt,
  GGA: readGga,
  GLL: readGll,
  HDG: readHdg,
  HDM: readHdm,
  HDT: readHdt,
  MTW: readMtw,
  MWD: readMwd,
  MWV: readMwv,
  RMC: readRmc,
  VHW: readVhw,
  VTG: readVtg,
  VWR: readVwr,
  VWT: readVwt,
  XDR: readXdr,
  ZDA: readZda,
};

/** What a line was: a valid sentence (whether or not it says anything for us), or why it is none. */
export type Verdict = 'sentence' | Rejection;

/** Turns lines into readings: one per sentence that has something to say. */
export class Interpreter {
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #preference: Preference;
  /** Monotonic time of the last word of a valid fix that no other word has taken back. */
  #fixMs: number | undefined;
  readonly #counts: Record<Verdict, number> = { sentence: 0, malformed: 0, checksum: 0, other: 0 };

  constructor(settings: Settings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#preference = new Preference(clock);
  }

  /** Lines so far, by what they were. */
  get counts(): Readonly<Record<Verdict, number>> {
    return this.#counts;
  }

  /** What one line says, if it says anything. Never throws, whatever the line holds. */
  read(line: string): { readonly verdict: Verdict; readonly reading?: Reading } {
    const sentence = parseSentence(line);
    const verdict = typeof sentence === 'string' ? sentence : 'sentence';
    this.#counts[verdict] += 1;
    if (typeof sentence === 'string' || !Object.hasOwn(READERS, sentence.formatter)) return { verdict };
    const report = READERS[sentence.formatter]?.(sentence.fields, this.#settings);
    const reading = report === undefined ? undefined : this.#readingOf(report);
    return reading === undefined ? { verdict } : { verdict, reading };
  }

  #readingOf(report: Report): Reading | undefined {
    const metrics: Record<string, MetricValue> = {};
    const missing: string[] = [];
    for (const { metric, source, value } of report.claims) {
      if (!this.#settings.metrics.has(metric)) continue;
      if (value === undefined) {
        if (this.#preference.onInvalid(metric, source) === 'missing') missing.push(metric);
      } else if (this.#preference.onValue(metric, source) === 'value') {
        metrics[metric] = value;
      }
    }
    const location = this.#locationOf(report);
    const utcMs = this.#timeOf(report);
    const isEmpty = Object.keys(metrics).length === 0 && missing.length === 0;
    if (isEmpty && location === undefined && utcMs === undefined) return undefined;
    return {
      metrics,
      ...(missing.length === 0 ? {} : { missing }),
      ...(location === undefined ? {} : { location }),
      ...(utcMs === undefined ? {} : { utcMs }),
    };
  }

  #locationOf({ position }: Report): Reading['location'] {
    if (position === undefined) return undefined;
    return this.#preference.onValue(POSITION, position.source) === 'value' ? position.location : undefined;
  }

  /** A date is believed only from a receiver that has a fix: without one it may come from a clock that was never set. */
  #timeOf({ hasFix, utcMs }: Report): number | undefined {
    const nowMs = this.#clock.monotonicMs();
    if (hasFix !== undefined) this.#fixMs = hasFix ? nowMs : undefined;
    return this.#fixMs !== undefined && nowMs - this.#fixMs < HOLD_MS ? utcMs : undefined;
  }
}

import type { Flag, Info, MetricValue } from '../../protocol/record.ts';
import { allOf, anyOf, type Judgement } from './judgement.ts';
import { type MetricWatch, type Sighting, watchFor } from './metric-watch.ts';
import type { AlarmSettings } from './settings.ts';
import type { AlarmSample } from './types.ts';

interface Watched {
  readonly metric: string;
  readonly watch: MetricWatch;
  value: MetricValue | undefined;
  flag: Flag;
}

const PASS: Flag = 1;
const MISSING: Flag = 9;
const SUSPECT: Flag = 3;

/** The condition of one alarm for one station: what its metrics were last, and what that means. */
export class Rule {
  readonly #settings: Pick<AlarmSettings, 'condition' | 'isForGoodOnly'>;
  readonly #watched: readonly Watched[];

  constructor(settings: Pick<AlarmSettings, 'condition' | 'isForGoodOnly'>, nowMs: number) {
    this.#settings = settings;
    this.#watched = settings.condition.tests.map(({ metric, test }) => ({
      metric,
      watch: watchFor(test, nowMs),
      value: undefined,
      flag: MISSING,
    }));
  }

  /** Names of the metrics that it looks at, each once. */
  get metrics(): ReadonlySet<string> {
    return new Set(this.#watched.map(({ metric }) => metric));
  }

  /** When its judgement changes though nothing is seen; undefined: it does not. */
  get dueMs(): number | undefined {
    const times = this.#watched.flatMap(({ watch }) => watch.dueMs ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** A sample of its station. What is not in it was not due, and changes nothing. */
  see({ metrics, flags, missing }: AlarmSample, nowMs: number): void {
    for (const watched of this.#watched) {
      const { metric } = watched;
      const isMissing = missing.includes(metric) || flags[metric] === MISSING;
      const value = Object.hasOwn(metrics, metric) && !isMissing ? metrics[metric] : undefined;
      if (value === undefined && !isMissing) continue;
      watched.value = value;
      watched.flag = isMissing ? MISSING : (flags[metric] ?? PASS);
      watched.watch.see(this.#sighting(watched), nowMs);
    }
  }

  judge(nowMs: number): Judgement {
    const judgements = this.#watched.map(({ watch }) => watch.judge(nowMs));
    return this.#settings.condition.when === 'all' ? allOf(judgements) : anyOf(judgements);
  }

  /** What a record says about why: one metric with its value and terms, or the values of several. */
  get reason(): Info {
    const [first, ...others] = this.#watched;
    if (first === undefined) return {};
    if (others.length > 0) return { values: this.values };
    const { metric, value, flag, watch } = first;
    return {
      metric,
      ...(value === undefined ? {} : { value }),
      ...(value === undefined || flag < SUSPECT ? {} : { flag }),
      ...watch.terms,
    };
  }

  /** The newest values of its metrics; those that are missing are not in it. */
  get values(): Readonly<Record<string, MetricValue>> {
    return Object.fromEntries(
      this.#watched.flatMap(({ metric, value }) => (value === undefined ? [] : [[metric, value]])),
    );
  }

  #sighting({ value, flag }: Watched): Sighting {
    const isForThis = !this.#settings.isForGoodOnly || flag < SUSPECT;
    return { value: isForThis ? value : undefined, flag };
  }
}

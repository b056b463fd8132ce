import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** From a file on a fast disk to a log that waits for sinks, in seconds. */
const LATENCY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];

/** A number that is set anew at each scrape, for each combination of labels. */
export interface Series {
  /** Forgets every combination. */
  reset(): void;
  set(labels: Readonly<Record<string, string>>, value: number): void;
}

/** The families of the centre's metrics, each declared once: docs/monitoring.md has the table. */
export class Families {
  readonly registry = new Registry();
  readonly ackLatency: Histogram<'answer'>;
  readonly deadLetters: Counter<'code'>;
  readonly #all: Series[] = [];

  constructor() {
    this.ackLatency = new Histogram({
      name: 'mooring_centre_ack_latency_seconds',
      help: "From a batch's arrival to its first `stored` or `held`.",
      labelNames: ['answer'],
      buckets: LATENCY_BUCKETS,
      registers: [this.registry],
    });
    this.deadLetters = new Counter({
      name: 'mooring_centre_dead_letters_total',
      help: 'Records of gateways that went to the dead letter.',
      labelNames: ['code'],
      registers: [this.registry],
    });
  }

  gauge(name: string, help: string, labelNames: readonly string[] = []): Series {
    const gauge = new Gauge({ name: `mooring_centre_${name}`, help, labelNames, registers: [this.registry] });
    return this.#added({ reset: () => gauge.reset(), set: (labels, value) => gauge.set(labels, value) });
  }

  /** A number that only grows, and that somebody else counts. */
  total(name: string, help: string, labelNames: readonly string[] = []): Series {
    const counter = new Counter({ name: `mooring_centre_${name}_total`, help, labelNames, registers: [this.registry] });
    return this.#added({ reset: () => counter.reset(), set: (labels, value) => counter.inc(labels, value) });
  }

  /** Before a scrape: what is not set again is not there. */
  reset(): void {
    for (const series of this.#all) series.reset();
  }

  #added(series: Series): Series {
    this.#all.push(series);
    return series;
  }
}

import { MooringError } from '../../runtime/errors.ts';
import type { Driver, DriverMetric, GpioInput, PolledSensor, Reading, SensorContext } from '../driver.ts';
import { metricOf, type Options, optionsSchema } from './options.ts';
import { PulseRate } from './rate.ts';
import { Tally } from './tally.ts';

/** Pulses on a GPIO line: a tipping bucket, a cup anemometer, a water or energy meter. */
export const pulseCounter: Driver<Options> = {
  name: 'pulse-counter',
  summary: 'Pulses on a GPIO line, as an amount (tipping bucket) or as a rate (anemometer)',
  options: optionsSchema,
  metrics: (options) => [{ name: metricOf(options), ...declared(options) }],
  places: ({ gpio }) => [{ kind: 'gpio', at: ['gpio'], line: gpio }],
  create: (options, context) => new PulseCounter(options, context),
};

/** An amount is known to one pulse; a rate is 0 once it is below one pulse in `calm`. */
function declared({ per_pulse, per_hz, debounce, calm }: Options): Omit<DriverMetric, 'name'> {
  if (per_hz === undefined) return { resolution: per_pulse as number, accuracy: { absolute: per_pulse as number } };
  const fastestHz = 1000 / Math.max(1, debounce);
  return { range: [0, per_hz * fastestHz], accuracy: { absolute: (1000 * per_hz) / calm } };
}

class PulseCounter implements PolledSensor {
  readonly mode = 'polled';
  readonly #options: Options;
  readonly #context: SensorContext;
  readonly #input: GpioInput;
  readonly #tally: Tally;
  #rate: PulseRate;
  #stop = new AbortController();
  #listening: Promise<void> | undefined;
  #lost: MooringError | undefined;

  constructor(options: Options, context: SensorContext) {
    const { gpio, bias, edge, debounce } = options;
    this.#options = options;
    this.#context = context;
    this.#input = context.ports.gpioInput({ line: gpio, bias, edge, debounceMs: debounce });
    this.#tally = new Tally(context.memory);
    this.#rate = this.#newRate();
  }

  /** Throws `PORT_ABSENT`, `PORT_BUSY`, `PORT_PERMISSION`. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#input.open(signal);
    this.#lost = undefined;
    this.#stop = new AbortController();
    this.#rate = this.#newRate();
    this.#listening = this.#listen(this.#stop.signal);
    if (this.#isAmount) await this.#takeUp();
  }

  /**
   * Throws what the line was lost with. Pulses that were counted before are given after it is back. It waits for nothing, so
   * that a sample is never late, and what it gives is in a record.
   */
  async sample(signal: AbortSignal): Promise<Reading> {
    signal.throwIfAborted();
    if (this.#lost !== undefined) throw this.#lost;
    const metric = metricOf(this.#options);
    const value = this.#value();
    return await Promise.resolve(
      value === undefined ? { metrics: {}, missing: [metric] } : { metrics: { [metric]: value } },
    );
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#listening;
    this.#listening = undefined;
    await this.#input.close();
    if (this.#isAmount) await this.#tally.stop();
  }

  get #isAmount(): boolean {
    return this.#options.per_pulse !== undefined;
  }

  /** Undefined: the line has not been heard for long enough to tell a rate. */
  #value(): number | undefined {
    const { per_pulse, per_hz = 0 } = this.#options;
    if (per_pulse !== undefined) return this.#tally.take() * per_pulse;
    const hz = this.#rate.take(this.#context.clock.monotonicMs());
    return hz === undefined ? undefined : hz * per_hz;
  }

  #newRate(): PulseRate {
    return new PulseRate(this.#options.calm, this.#context.clock.monotonicMs());
  }

  /** Pulses that an earlier process kept wait for a disk that takes writes; those that come now do not. */
  async #takeUp(): Promise<void> {
    try {
      await this.#tally.start();
    } catch (err) {
      this.#context.log.warn({ err }, 'pulses from before the restart are not counted yet');
    }
  }

  /** Never rejects: the next sample says that the line was lost. */
  async #listen(signal: AbortSignal): Promise<void> {
    try {
      for await (const { atMs } of this.#input.edges(signal)) {
        this.#tally.add();
        this.#rate.add(atMs);
      }
      if (!signal.aborted) this.#lost = new MooringError('PORT_LOST', 'the line tells no edges any more');
    } catch (cause) {
      this.#lost =
        cause instanceof MooringError ? cause : new MooringError('PORT_LOST', 'the line was lost', { cause });
    }
  }
}

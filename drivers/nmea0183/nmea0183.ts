import { MooringError } from '../../runtime/errors.ts';
import type { Driver, PushedSensor, Reading, SensorContext, SerialLines } from '../driver.ts';
import { Interpreter } from './interpreter.ts';
import { LineQuality } from './line-quality.ts';
import { metricsOf, type Options, optionsSchema, settingsOf } from './options.ts';
import { SENTENCE_BYTES_MAX } from './sentence.ts';

/** NMEA 0183 (IEC 61162-1): GPS receivers, wind, depth, log and compass instruments on a serial line. */
export const nmea0183: Driver<Options> = {
  name: 'nmea0183',
  summary: 'NMEA 0183 instruments on a serial port: position, wind, depth, speed, course, heading, water temperature',
  options: optionsSchema,
  metrics: (options) => metricsOf(options).map((name) => ({ name })),
  places: ({ port }) => [{ kind: 'serial', at: ['port'], path: port }],
  create: (options, context) => new Nmea0183Sensor(options, context),
};

class Nmea0183Sensor implements PushedSensor {
  readonly mode = 'pushed';
  readonly #options: Options;
  readonly #context: SensorContext;
  readonly #lines: SerialLines;
  readonly #interpreter: Interpreter;
  #quality = new LineQuality();
  /** Monotonic time of the last valid sentence, or of the begin of listening. */
  #heardMs = 0;

  constructor(options: Options, context: SensorContext) {
    this.#options = options;
    this.#context = context;
    this.#interpreter = new Interpreter(settingsOf(options), context.clock);
    this.#lines = context.ports.serial({
      path: options.port,
      baud: options.baud,
      lineBytesMax: SENTENCE_BYTES_MAX,
      silenceMs: options.silence,
    });
  }

  /** Throws `PORT_ABSENT`, `PORT_BUSY`, `PORT_PERMISSION`. */
  async open(signal: AbortSignal): Promise<void> {
    this.#quality = new LineQuality();
    await this.#lines.open(signal);
  }

  /** Throws `PORT_LOST`, `PORT_SILENT`, or `SENSOR_FAILED` where there are bytes and no sentences. */
  async *readings(signal: AbortSignal): AsyncGenerator<Reading> {
    const senseless = new AbortController();
    const cancel = this.#watch(() => senseless.abort());
    try {
      for await (const line of this.#lines.lines(AbortSignal.any([signal, senseless.signal]))) {
        const { verdict, reading } = this.#interpreter.read(line);
        this.#judge(verdict === 'malformed' || verdict === 'checksum');
        if (reading !== undefined) yield reading;
      }
    } finally {
      cancel();
    }
    if (senseless.signal.aborted && !signal.aborted) throw this.#senselessError();
  }

  async close(): Promise<void> {
    await this.#lines.close();
  }

  #judge(isBad: boolean): void {
    if (!isBad) this.#heardMs = this.#context.clock.monotonicMs();
    const change = this.#quality.add(isBad);
    if (change === undefined) return;
    const fields = { port: this.#options.port, lines: this.#interpreter.counts };
    if (change === 'noisy') this.#context.log.warn(fields, 'many lines of the port are damaged');
    else this.#context.log.info(fields, 'the lines of the port are good again');
  }

  /** Calls `onSenseless` once no valid sentence has come for twice the silence; returns what ends the watch. */
  #watch(onSenseless: () => void): () => void {
    const { clock } = this.#context;
    const limitMs = this.#limitMs();
    this.#heardMs = clock.monotonicMs();
    const check = (): void => {
      const leftMs = this.#heardMs + limitMs - clock.monotonicMs();
      if (leftMs <= 0) onSenseless();
      else cancel = clock.after(leftMs, check);
    };
    let cancel = clock.after(limitMs, check);
    return () => cancel();
  }

  /** Twice, so that a port that says nothing at all is called silent by the port itself. */
  #limitMs(): number {
    return 2 * this.#options.silence;
  }

  #senselessError(): MooringError {
    return new MooringError('SENSOR_FAILED', 'bytes come from the port, and no valid NMEA 0183 sentence', {
      context: { port: this.#options.port, baud: this.#options.baud, lines: this.#interpreter.counts },
      hint: 'Usually the wrong `baud` (4800, 9600 and 38400 are common), crossed A and B wires, or a binary protocol.',
    });
  }
}

import { z } from 'zod';
import { duration, filePath } from '../../runtime/config/values.ts';
import type { Driver, DriverMetric, PushedSensor, Reading, SensorContext } from '../driver.ts';
import type { FrameForm } from '../frame-finder.ts';
import { FramedSerial } from '../framed-serial.ts';

const BAUD = 9600;
const SILENCE_MS = 10_000;
/** An awake sensor speaks every 0.5 to 1.5 s (specification). After a longer silence it has had no power, and its fan starts anew. */
const RESTART_MS = 1800;
/** How long it is listened to between two rests. */
const MEASURE_MS = 5000;

/** The most that the sensor tells, in µg/m³; specification, "Measurement range". */
const HIGHEST = 999.9;
/** Steps of a word in a µg/m³; protocol, section "active mode". */
const STEPS = 10;

const METRICS: readonly DriverMetric[] = ['particulate_matter', 'pm10'].map((name) => ({
  name,
  range: [0, HIGHEST],
  resolution: 0.1,
  accuracy: { absolute: 10, relative: 0.15 },
}));
const NAMES = METRICS.map(({ name }) => name);

/** `aa c0`, PM2.5, PM10, two bytes of id, the sum of those six, `ab`; protocol V1.3, "sensor reports data". */
export const DATA_FRAME: FrameForm = {
  begin: [0xaa, 0xc0],
  length: 10,
  isWhole: (frame) => frame[9] === 0xab && frame[8] === sumOf(frame.subarray(2, 8)),
};

/** A command to whatever sensor is on the line: `aa b4`, 13 bytes, `ff ff`, the sum of those fifteen, `ab`; protocol V1.3. */
export function commandOf(...data: readonly number[]): Uint8Array {
  const body = [...data, ...Array<number>(13 - data.length).fill(0), 0xff, 0xff];
  return Uint8Array.of(0xaa, 0xb4, ...body, sumOf(body), 0xab);
}

const REPORT_BY_ITSELF = commandOf(2, 1, 0);
const WORK = commandOf(6, 1, 1);
const SLEEP = commandOf(6, 1, 0);
/** Its own working period, which it keeps without power: without a pause. */
const CONTINUOUS = commandOf(8, 1, 0);

const optionsSchema = z.strictObject({
  port: filePath().describe('Serial port, by its stable name under /dev/serial/by-id'),
  warmup: duration({ max: '10m' })
    .prefault('30s')
    .describe('How long values are missing after the fan was started, as they are not stable yet'),
  rest: duration({ min: '10s', max: '1d' })
    .optional()
    .describe('How long fan and laser rest between two measurements; left out: never. `stale` has to be longer'),
});
type Options = z.output<typeof optionsSchema>;

/** Nova Fitness SDS011: particulate matter by laser scattering. Sources: specification V1.3; control protocol V1.3. */
export const sds011: Driver<Options> = {
  name: 'sds011',
  summary: 'Nova SDS011 on a serial port: particulate matter PM2.5 and PM10',
  options: optionsSchema,
  metrics: () => METRICS,
  places: ({ port }) => [{ kind: 'serial', at: ['port'], path: port }],
  create: (options, context) => new Sds011Sensor(options, context),
};

class Sds011Sensor implements PushedSensor {
  readonly mode = 'pushed';
  readonly #options: Options;
  readonly #context: SensorContext;
  readonly #serial: FramedSerial;
  /** From when on values are stable, on the monotonic clock. */
  #stableMs = 0;
  /** Whether it was sent to sleep, and what ends that. */
  #rest: { readonly cancel: () => void } | undefined;

  constructor(options: Options, context: SensorContext) {
    const { port, rest = 0 } = options;
    this.#options = options;
    this.#context = context;
    this.#serial = new FramedSerial(DATA_FRAME, { path: port, baud: BAUD, silenceMs: rest + SILENCE_MS }, context);
  }

  /** Throws `PORT_ABSENT`, `PORT_BUSY`, `PORT_PERMISSION`. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#serial.open(signal);
    // In case that it was told otherwise by somebody before.
    for (const command of [WORK, REPORT_BY_ITSELF, CONTINUOUS]) await this.#serial.write(command, signal);
    this.#started();
  }

  /** Throws `PORT_LOST`, `PORT_SILENT`, or `SENSOR_FAILED` where there are bytes and no frames. */
  async *readings(signal: AbortSignal): AsyncGenerator<Reading> {
    const { clock } = this.#context;
    const failed = new AbortController();
    for await (const { frame, quietMs } of this.#serial.frames(AbortSignal.any([signal, failed.signal]))) {
      // What was on the way when it was sent to sleep.
      if (this.#rest !== undefined) continue;
      if (quietMs > RESTART_MS) this.#started();
      const { rest } = this.#options;
      if (clock.monotonicMs() >= this.#stableMs) yield readingOf(frame);
      // With rests, what was measured before one holds during the next warm-up.
      else if (rest === undefined) yield { metrics: {}, missing: NAMES, why: this.#whyMissing() };
      if (rest !== undefined && clock.monotonicMs() >= this.#stableMs + MEASURE_MS) {
        await this.#serial.write(SLEEP, signal);
        this.#sleep(rest, (error) => failed.abort(error));
      }
    }
    if (failed.signal.aborted && !signal.aborted) throw failed.signal.reason;
  }

  async close(): Promise<void> {
    this.#rest?.cancel();
    this.#rest = undefined;
    await this.#serial.close();
  }

  #started(): void {
    this.#stableMs = this.#context.clock.monotonicMs() + this.#options.warmup;
  }

  #whyMissing(): string {
    return `warming up: no value is stable in the first ${this.#options.warmup / 1000} s after its fan was started`;
  }

  #sleep(restMs: number, onFailure: (error: Error) => void): void {
    const waking = new AbortController();
    const cancelTimer = this.#context.clock.after(restMs, () => {
      this.#rest = undefined;
      this.#started();
      this.#serial.write(WORK, waking.signal).catch(onFailure);
    });
    this.#rest = {
      cancel: () => {
        cancelTimer();
        waking.abort();
      },
    };
  }
}

function readingOf(frame: Buffer): Reading {
  const metrics: Record<string, number> = {};
  const missing: string[] = [];
  for (const [name, at] of [
    ['particulate_matter', 2],
    ['pm10', 4],
  ] as const) {
    const value = frame.readUInt16LE(at) / STEPS;
    if (value <= HIGHEST) metrics[name] = value;
    else missing.push(name);
  }
  return { metrics, missing };
}

function sumOf(bytes: Iterable<number>): number {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return sum & 0xff;
}

import { z } from 'zod';
import { duration, filePath } from '../../runtime/config/values.ts';
import type { Driver, DriverMetric, PushedSensor, Reading, SensorContext } from '../driver.ts';
import type { FrameForm } from '../frame-finder.ts';
import { FramedSerial } from '../framed-serial.ts';

const BAUD = 9600;
const SILENCE_MS = 10_000;
/**
 * An awake sensor speaks every 0.2 to 2.3 s (data manual, "Output result"). After a longer silence it has had no power or has
 * slept, and its fan starts anew. Not much longer: it is ready again 2.5 s after it has power (measured, in no manual).
 */
const RESTART_MS = 2450;

/** Commands: beginning, code, two bytes of data, and the sum of all before; appendix B. */
const WAKE = Uint8Array.of(0x42, 0x4d, 0xe4, 0x00, 0x01, 0x01, 0x74);
const ACTIVE_MODE = Uint8Array.of(0x42, 0x4d, 0xe1, 0x00, 0x01, 0x01, 0x71);

/** Where words stand in the frame, in bytes; appendix A. Those before are for particles in a factory's air (CF=1). */
const ATMOSPHERIC = { pm1: 10, particulate_matter: 12, pm10: 14 } as const;
/** The low byte of the last word: reserved in this manual, an error code in that of the PMS7003, which has the same frame. */
const ERROR_CODE = 29;
/** The most that the sensor tells apart, in µg/m³: "maximum range". */
const HIGHEST = 1000;

const METRICS: readonly DriverMetric[] = Object.keys(ATMOSPHERIC).map((name) => ({
  name,
  range: [0, HIGHEST],
  resolution: 1,
  accuracy: { absolute: 10, relative: 0.1 },
}));
const NAMES = METRICS.map(({ name }) => name);

/** Frame of the active mode: `42 4d`, the length of the rest, 13 words, their sum with all before; appendix A. */
export const DATA_FRAME: FrameForm = {
  begin: [0x42, 0x4d, 0x00, 0x1c],
  length: 32,
  isWhole: (frame) => frame.subarray(0, -2).reduce((sum, byte) => sum + byte, 0) === frame.readUInt16BE(30),
};

const optionsSchema = z.strictObject({
  port: filePath().describe('Serial port, by its stable name under /dev/serial/by-id'),
  warmup: duration({ max: '10m' })
    .prefault('30s')
    .describe('How long values are missing after the fan was started, as they are not stable yet'),
});
type Options = z.output<typeof optionsSchema>;

/** Plantower PMS5003: particulate matter by laser scattering. Source: PMS5003 series data manual, 2016. */
export const pms5003: Driver<Options> = {
  name: 'pms5003',
  summary: 'Plantower PMS5003 on a serial port: particulate matter PM1, PM2.5 and PM10',
  options: optionsSchema,
  metrics: () => METRICS,
  places: ({ port }) => [{ kind: 'serial', at: ['port'], path: port }],
  create: (options, context) => new Pms5003Sensor(options, context),
};

class Pms5003Sensor implements PushedSensor {
  readonly mode = 'pushed';
  readonly #warmupMs: number;
  readonly #context: SensorContext;
  readonly #serial: FramedSerial;
  /** From when on values are stable, on the monotonic clock. */
  #stableMs = 0;
  #error = 0;

  constructor({ port, warmup }: Options, context: SensorContext) {
    this.#warmupMs = warmup;
    this.#context = context;
    this.#serial = new FramedSerial(DATA_FRAME, { path: port, baud: BAUD, silenceMs: SILENCE_MS }, context);
  }

  /** Wakes it and lets it speak by itself, in case that it was told otherwise. Throws `PORT_ABSENT`, `PORT_BUSY`, `PORT_PERMISSION`. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#serial.open(signal);
    await this.#serial.write(WAKE, signal);
    await this.#serial.write(ACTIVE_MODE, signal);
    this.#started();
  }

  /** Throws `PORT_LOST`, `PORT_SILENT`, or `SENSOR_FAILED` where there are bytes and no frames. */
  async *readings(signal: AbortSignal): AsyncGenerator<Reading> {
    for await (const { frame, quietMs } of this.#serial.frames(signal)) {
      if (quietMs > RESTART_MS) this.#started();
      this.#judge(frame.readUInt8(ERROR_CODE));
      const why = this.#whyMissing();
      yield why === undefined ? readingOf(frame) : { metrics: {}, missing: NAMES, why };
    }
  }

  async close(): Promise<void> {
    await this.#serial.close();
  }

  #started(): void {
    this.#stableMs = this.#context.clock.monotonicMs() + this.#warmupMs;
  }

  #whyMissing(): string | undefined {
    if (this.#error !== 0) return `the sensor says that it has failed, with code ${this.#error}`;
    if (this.#context.clock.monotonicMs() >= this.#stableMs) return undefined;
    return `warming up: no value is stable in the first ${this.#warmupMs / 1000} s after its fan was started`;
  }

  #judge(code: number): void {
    if (code !== this.#error && code !== 0)
      this.#context.log.warn({ errorCode: code }, 'the sensor says that it has failed');
    if (code !== this.#error && code === 0) this.#context.log.info({}, 'the sensor says that it is well again');
    this.#error = code;
  }
}

function readingOf(frame: Buffer): Reading {
  const metrics: Record<string, number> = {};
  const missing: string[] = [];
  for (const [name, at] of Object.entries(ATMOSPHERIC)) {
    const value = frame.readUInt16BE(at);
    if (value <= HIGHEST) metrics[name] = value;
    else missing.push(name);
  }
  return { metrics, missing };
}

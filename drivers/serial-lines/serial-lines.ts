import { z } from 'zod';
import type { MetricValue } from '../../protocol/record.ts';
import { duration, filePath } from '../../runtime/config/values.ts';
import { MooringError } from '../../runtime/errors.ts';
import { declarationOf, metricKeys, metricValueOf } from '../configured-metric.ts';
import type { Driver, PushedSensor, Reading, SensorContext, SerialLines } from '../driver.ts';
import { LineQuality } from '../nmea0183/line-quality.ts';
import { FORMATS, fieldsOf, withoutChecksum } from './line-format.ts';

const LINE_BYTES_MAX = 1024;

const optionsSchema = z
  .strictObject({
    port: filePath().describe('Serial port, by its stable name under /dev/serial/by-id'),
    baud: z
      .literal([300, 1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600])
      .prefault(9600)
      .describe('Bits per second, as in `Serial.begin`; 8 data bits, no parity, 1 stop bit'),
    format: z
      .enum(FORMATS)
      .describe('What a line looks like: `csv` 21.4,40 or `json` {"t":21.4,"h":40} or `key-value` t=21.4 h=40'),
    separator: z.string().min(1).max(4).prefault(',').describe('What stands between two columns of a csv line'),
    checksum: z
      .enum(['none', 'xor'])
      .prefault('none')
      .describe('`xor`: each line ends with * and the exclusive or of all before it, in two hexadecimal digits'),
    silence: duration({ min: '1s', max: '1h' })
      .prefault('30s')
      .describe('A port without a byte for so long, or without a good line for twice as long, is opened again'),
    values: z
      .array(
        z.strictObject({
          ...metricKeys(),
          column: z.int().min(1).max(256).optional().describe('Its column in a csv line, counted from 1'),
          key: z
            .string()
            .min(1)
            .max(128)
            .optional()
            .describe('Its key; below the top of a JSON object: air.temperature'),
        }),
      )
      .min(1)
      .max(125)
      .describe('What is taken from a line, and what it stands for'),
  })
  .superRefine(({ format, values }, context) => {
    const [wanted, other] = format === 'csv' ? (['column', 'key'] as const) : (['key', 'column'] as const);
    for (const [index, value] of values.entries()) {
      if (value[wanted] !== undefined && value[other] === undefined) continue;
      context.addIssue({
        code: 'custom',
        path: ['values', index],
        message: `needs \`${wanted}\`, as the format is ${format}`,
      });
    }
  });
type Options = z.output<typeof optionsSchema>;

/** Lines of text on a serial port, as an Arduino prints them. */
export const serialLines: Driver<Options> = {
  name: 'serial-lines',
  summary: 'Lines of text on a serial port, CSV, JSON or key=value: an Arduino, a home-made instrument',
  options: optionsSchema,
  metrics: ({ values }) => values.map(declarationOf),
  places: ({ port }) => [{ kind: 'serial', at: ['port'], path: port }],
  create: (options, context) => new SerialLinesSensor(options, context),
};

class SerialLinesSensor implements PushedSensor {
  readonly mode = 'pushed';
  readonly #options: Options;
  readonly #context: SensorContext;
  readonly #lines: SerialLines;
  #quality = new LineQuality();
  #bad = 0;

  constructor(options: Options, context: SensorContext) {
    const { port: path, baud, silence: silenceMs } = options;
    this.#options = options;
    this.#context = context;
    this.#lines = context.ports.serial({ path, baud, lineBytesMax: LINE_BYTES_MAX, silenceMs });
  }

  /** Throws `PORT_ABSENT`, `PORT_BUSY`, `PORT_PERMISSION`. */
  async open(signal: AbortSignal): Promise<void> {
    this.#quality = new LineQuality();
    await this.#lines.open(signal);
  }

  /** Throws `PORT_LOST`, `PORT_SILENT`, or `SENSOR_FAILED` where there are lines and none is good. */
  async *readings(signal: AbortSignal): AsyncGenerator<Reading> {
    const { clock } = this.#context;
    let goodMs = clock.monotonicMs();
    let isFirst = true;
    for await (const line of this.#lines.lines(signal)) {
      // Its beginning may have been said before we listened: 1.4 is what is left of 21.4.
      const reading = isFirst ? undefined : this.#readingOf(line);
      if (!isFirst) this.#judge(reading === undefined, line);
      isFirst = false;
      if (reading !== undefined) {
        goodMs = clock.monotonicMs();
        yield reading;
      } else if (clock.monotonicMs() - goodMs > 2 * this.#options.silence) {
        throw this.#senselessError();
      }
    }
  }

  async close(): Promise<void> {
    await this.#lines.close();
  }

  /** Undefined: the line is bad. */
  #readingOf(line: string): Reading | undefined {
    const { format, separator, checksum, values } = this.#options;
    const body = checksum === 'xor' ? withoutChecksum(line) : line;
    const fields = body === undefined ? undefined : fieldsOf(body, format, separator);
    if (fields === undefined) return undefined;
    const metrics: Record<string, MetricValue> = {};
    const missing: string[] = [];
    let isGood = false;
    for (const value of values) {
      const field = fields.get(value.key ?? String(value.column));
      // A device may say one thing in one line and another in the next; but columns are all there, or the line is torn.
      if (field === undefined && format === 'csv') return undefined;
      if (field === undefined) continue;
      const metric = typeof field === 'number' ? metricValueOf(value, field) : undefined;
      if (metric === undefined) missing.push(value.metric);
      else metrics[value.metric] = metric;
      if (field !== 'text') isGood = true;
    }
    // With nothing but text it is a heading or a greeting.
    return isGood ? { metrics, missing } : undefined;
  }

  #judge(isBad: boolean, line: string): void {
    if (isBad) this.#bad += 1;
    const change = this.#quality.add(isBad);
    if (change === undefined) return;
    const fields = { port: this.#options.port, bad: this.#bad };
    if (change === 'noisy')
      this.#context.log.warn({ ...fields, line: line.slice(0, 80) }, 'many lines of the port are bad');
    else this.#context.log.info(fields, 'the lines of the port are good again');
  }

  #senselessError(): MooringError {
    const { port, baud, format } = this.#options;
    return new MooringError('SENSOR_FAILED', 'lines come from the port, and none that is good', {
      context: { port, baud, format, bad: this.#bad },
      hint: 'Stop Mooring and look at what comes: `cat PORT`. Then check `baud`, `format`, and the columns or keys.',
    });
  }
}

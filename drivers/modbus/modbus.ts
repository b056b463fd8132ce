import { z } from 'zod';
import type { MetricValue } from '../../protocol/record.ts';
import { duration, filePath } from '../../runtime/config/values.ts';
import { MooringError } from '../../runtime/errors.ts';
import { declarationOf, metricKeys, metricValueOf } from '../configured-metric.ts';
import type { Driver, ModbusDevice, ModbusSettings, Place, PolledSensor, Reading, SensorContext } from '../driver.ts';
import { type Block, blocksOf, decode, ORDERS, TYPES, widthOf } from './registers.ts';

const rtu = z.strictObject({
  port: filePath().describe('Serial port, by its stable name under /dev/serial/by-id'),
  baud: z.literal([1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200]).prefault(9600).describe('Bits per second'),
  parity: z.enum(['none', 'even', 'odd']).prefault('none').describe('The standard has even, most devices none'),
  stop_bits: z
    .literal([1, 2])
    .prefault(1)
    .describe('Bits after each byte; the standard has 2 where there is no parity'),
});

const tcp = z.strictObject({
  host: z.string().min(1).max(253).describe('Name or address'),
  port: z.int().min(1).max(65_535).prefault(502).describe('TCP port'),
});

const register = z.strictObject({
  ...metricKeys(),
  register: z
    .int()
    .min(0)
    .max(65_535)
    .describe(
      "Of the number's first register, counted from 0; manuals that count from 1, or write 30001 or 40001, mean one less",
    ),
  kind: z
    .enum(['holding', 'input'])
    .prefault('holding')
    .describe('Holding registers (function 3) or input registers (function 4)'),
  type: z
    .enum(TYPES)
    .prefault('uint16')
    .describe('How the number is written; with 32 bits in this register and the next'),
  order: z
    .enum(ORDERS)
    .prefault('abcd')
    .describe(
      'Its bytes as they come: `abcd` highest first; `cdab` with the low register first; `badc`, `dcba` with the low byte first',
    ),
});

const optionsSchema = z
  .strictObject({
    rtu: rtu.optional().describe('The serial line that the device is on; or `tcp`'),
    tcp: tcp.optional().describe('Where the device, or a gateway to it, is in the network; or `rtu`'),
    unit: z
      .int()
      .min(0)
      .max(255)
      .prefault(1)
      .describe('Number of the device: 1 to 247 on a line; over TCP also 0 and 255'),
    timeout: duration({ min: '20ms', max: '10s' })
      .prefault('500ms')
      .describe('How long it may take to answer a request'),
    registers: z.array(register).min(1).max(125).describe('What is read, and what it stands for'),
  })
  .refine((options) => (options.rtu === undefined) !== (options.tcp === undefined), {
    error: 'needs either `rtu` or `tcp`',
  })
  .refine(({ rtu: line, unit }) => line === undefined || (unit >= 1 && unit <= 247), {
    path: ['unit'],
    error: 'is no number of a device on a line: 1 to 247',
  });
type Options = z.output<typeof optionsSchema>;
type Register = Options['registers'][number];

/** Modbus RTU and TCP: any device with registers. Source: MODBUS Application Protocol V1.1b3. */
export const modbus: Driver<Options> = {
  name: 'modbus',
  summary: 'Modbus RTU or TCP: any device with registers, by a map in the configuration',
  options: optionsSchema,
  metrics: ({ registers }) => registers.map(declarationOf),
  places: ({ rtu: line }) => (line === undefined ? [] : [linePlace(line)]),
  create: (options, context) => new ModbusSensor(options, context),
};

function linePlace({ port: path, baud, parity, stop_bits: stopBits }: NonNullable<Options['rtu']>): Place {
  return { kind: 'serial', at: ['rtu', 'port'], path, shared: { baud, parity, stopBits } };
}

function settingsOf({ rtu: line, tcp: place, unit, timeout }: Options): ModbusSettings {
  const common = { unit, timeoutMs: timeout };
  if (line !== undefined) {
    const { port: path, baud, parity, stop_bits: stopBits } = line;
    return { ...common, kind: 'rtu', path, baud, parity, stopBits };
  }
  return { ...common, kind: 'tcp', host: place?.host ?? '', port: place?.port ?? 0 };
}

class ModbusSensor implements PolledSensor {
  readonly mode = 'polled';
  readonly #context: SensorContext;
  readonly #device: ModbusDevice;
  readonly #blocks: readonly Block<Register>[];
  /** Blocks that the device has refused since they were last read. */
  readonly #refused = new Set<Block<Register>>();

  constructor(options: Options, context: SensorContext) {
    this.#context = context;
    this.#device = context.ports.modbus(settingsOf(options));
    this.#blocks = blocksOf(options.registers);
  }

  /** Opens the line, and reads once: nothing else shows that somebody is there. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#device.open(signal);
    await this.sample(signal);
  }

  /**
   * All registers. Those that the device refuses are missing; throws `SENSOR_FAILED` where it refuses all, and whatever
   * the line throws.
   */
  async sample(signal: AbortSignal): Promise<Reading> {
    const metrics: Record<string, MetricValue> = {};
    const missing: string[] = [];
    let refusals = 0;
    for (const block of this.#blocks) {
      const words = await this.#read(block, signal);
      if (words instanceof MooringError) {
        refusals += 1;
        if (refusals === this.#blocks.length) throw words;
      }
      for (const field of block.fields) {
        const value = words instanceof MooringError ? undefined : valueIn(words, block, field);
        if (value === undefined) missing.push(field.metric);
        else metrics[field.metric] = value;
      }
    }
    return { metrics, missing };
  }

  async close(): Promise<void> {
    await this.#device.close();
  }

  /** The words, or why the device gives none. */
  async #read(block: Block<Register>, signal: AbortSignal): Promise<readonly number[] | MooringError> {
    const { kind, register: address, count, fields } = block;
    try {
      const words = await this.#device.readRegisters(kind, address, count, signal);
      this.#refused.delete(block);
      return words;
    } catch (err) {
      if (!(err instanceof MooringError) || err.code !== 'SENSOR_FAILED') throw err;
      if (!this.#refused.has(block)) {
        this.#context.log.warn(
          { err, metrics: fields.map(({ metric }) => metric) },
          'the Modbus device refuses registers',
        );
      }
      this.#refused.add(block);
      return err;
    }
  }
}

function valueIn(words: readonly number[], block: Block<Register>, field: Register): MetricValue | undefined {
  const at = field.register - block.register;
  return metricValueOf(field, decode(words.slice(at, at + widthOf(field.type)), field));
}

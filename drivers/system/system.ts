import { z } from 'zod';
import type { MetricValue } from '../../protocol/record.ts';
import { filePath } from '../../runtime/config/values.ts';
import type { Driver, DriverMetric, PolledSensor, Reading, SensorContext } from '../driver.ts';
import { FINDERS, type Gauge, type GaugeName, orUndefined } from './gauges.ts';
import { Modem } from './modem.ts';

const GAUGE_NAMES = Object.keys(FINDERS) as GaugeName[];
const MODEM_NAMES = ['modem_signal', 'modem_state'] as const;

const optionsSchema = z.strictObject({
  path: filePath().prefault('/').describe('A folder on the file system that `disk_free` is about'),
  only: z
    .array(z.enum(GAUGE_NAMES))
    .min(1)
    .optional()
    .describe('The metrics to take, beside those of the modem; left out: all that the machine has'),
  modem: z.boolean().default(false).describe('Whether to ask ModemManager for the state and the signal of the modem'),
});

type Options = z.output<typeof optionsSchema>;

/** What a kernel file can say at most and its smallest step; the accuracy is that of the hardware behind it. */
const DECLARED: Readonly<Record<GaugeName | (typeof MODEM_NAMES)[number], Omit<DriverMetric, 'name'>>> = {
  cpu_temperature: { range: [-40, 125], resolution: 0.001 },
  system_load: { range: [0, 1000], resolution: 0.01 },
  memory_used: { range: [0, 100] },
  disk_free: { range: [0, 100] },
  flash_life: { range: [0, 100], resolution: 10 },
  under_voltage: {},
  clock_offset: {},
  uptime: { resolution: 0.01 },
  processes: { resolution: 1 },
  modem_signal: { range: [-150, 0] },
  modem_state: {},
};

/** The machine that the gateway runs on: its own health as the metrics of a station. */
export const system: Driver<Options> = {
  name: 'system',
  summary: "The machine's own health: temperature, load, memory, disk, flash, supply, clock, modem",
  options: optionsSchema,
  metrics: ({ only = GAUGE_NAMES, modem }) =>
    [...GAUGE_NAMES.filter((name) => only.includes(name)), ...(modem ? MODEM_NAMES : [])].map((name) => ({
      name,
      ...DECLARED[name],
    })),
  create: (options, context) => new SystemSensor(options, context),
};

class SystemSensor implements PolledSensor {
  readonly mode = 'polled';
  readonly #options: Options;
  readonly #context: SensorContext;
  readonly #modem: Modem;
  #gauges = new Map<GaugeName, Gauge>();
  #hasModem = false;
  /** Metrics that have had a value since the last opening: from then on they are missing where they have none. */
  readonly #known = new Set<string>();
  /** Parts that have failed since they last told something. */
  readonly #silent = new Set<string>();

  constructor(options: Options, context: SensorContext) {
    this.#options = options;
    this.#context = context;
    this.#modem = new Modem(context.ports.host, context.log);
  }

  /** Looks what the machine has. Fails only where it is told to stop: a machine always has something. */
  async open(signal: AbortSignal): Promise<void> {
    const { host } = this.#context.ports;
    const { path, only = GAUGE_NAMES, modem } = this.#options;
    this.#gauges = new Map();
    this.#known.clear();
    for (const name of GAUGE_NAMES.filter((each) => only.includes(each))) {
      const gauge = await orUndefined(FINDERS[name](host, signal, path), signal);
      if (gauge === undefined) continue;
      this.#gauges.set(name, gauge);
      if (name !== 'clock_offset') this.#known.add(name);
    }
    if (modem) await this.#findModem(signal);
  }

  async sample(signal: AbortSignal): Promise<Reading> {
    const metrics: Record<string, MetricValue> = {};
    const missing: string[] = [];
    const note = (name: string, value: MetricValue | undefined): void => {
      if (value !== undefined && !Number.isNaN(value)) {
        metrics[name] = value;
        this.#known.add(name);
      } else if (this.#known.has(name)) {
        missing.push(name);
      }
    };
    const gauges = [...this.#gauges].map(async ([name, gauge]) =>
      note(name, await this.#tell(name, gauge(signal), signal)),
    );
    await Promise.all([...gauges, this.#readModem(note, signal)]);
    return { metrics, missing };
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }

  /** What a part of the machine says; undefined where it does not, which is logged when it begins and when it ends. */
  async #tell<T>(part: string, work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    try {
      const value = await work;
      if (this.#silent.delete(part)) this.#context.log.info({ part }, 'a part of the machine tells of itself again');
      return value;
    } catch (err) {
      signal.throwIfAborted();
      if (!this.#silent.has(part))
        this.#context.log.warn({ err, part }, 'a part of the machine tells nothing of itself');
      this.#silent.add(part);
      return undefined;
    }
  }

  /** A modem may come at any time, one whose manager is not installed does not. */
  async #findModem(signal: AbortSignal): Promise<void> {
    try {
      await this.#modem.find(signal);
      this.#hasModem = true;
      for (const name of MODEM_NAMES) this.#known.add(name);
    } catch (err) {
      signal.throwIfAborted();
      this.#hasModem = false;
      this.#context.log.warn({ err }, 'there is no ModemManager on this machine');
    }
  }

  async #readModem(note: (name: string, value: MetricValue | undefined) => void, signal: AbortSignal): Promise<void> {
    if (!this.#hasModem) return;
    const reading = await this.#tell('modem', this.#modem.read(signal), signal);
    note('modem_signal', reading?.signalDbm);
    note('modem_state', reading?.state);
  }
}

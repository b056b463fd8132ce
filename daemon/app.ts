import { flatRecordOf } from '../protocol/flat-record.ts';
import type { RunId } from '../protocol/ids.ts';
import { GATEWAY_STATION, type Info, type Observation, type SequencedRecord } from '../protocol/record.ts';
import { aborted } from '../runtime/aborted.ts';
import type { Clock } from '../runtime/clock.ts';
import { hardwareClockMs, kernelClockIsSynchronised } from '../runtime/kernel-clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import { StateFile } from '../runtime/state-file.ts';
import { sendUnixDatagram } from '../runtime/unix-datagram.ts';
import { Alarms } from './alarms/alarms.ts';
import { type Buses, busesOf } from './buses/buses.ts';
import { thisMachine } from './buses/hardware.ts';
import type { Machine } from './buses/machine.ts';
import type { ForwarderConfig, GatewayConfig, StationConfig } from './config/types.ts';
import { Forwarder } from './forward/forwarder.ts';
import { MqttTransport } from './forward/mqtt.ts';
import type { Transport } from './forward/transport.ts';
import { UdpTransport } from './forward/udp.ts';
import { alarmVerbs } from './ops/alarm-verbs.ts';
import { ControlSocket, controlPathOf } from './ops/control-socket.ts';
import { type GatewayStatus, type ReadAnswer, statusLineOf, statusOf } from './ops/status.ts';
import { type SendDatagram, type SystemdEnvironment, SystemdNotifier } from './ops/systemd.ts';
import { Watchdog } from './ops/watchdog.ts';
import { LiveQuality } from './quality/live/live-quality.ts';
import type { QualityJudge } from './quality/types.ts';
import { Recorder } from './recorder.ts';
import { filesIn } from './sampling/memory.ts';
import { Sampler } from './sampling/sampler.ts';
import { WallClock, type WallClockOptions } from './sampling/wall.ts';
import { SqliteStore, type SqliteStoreOptions } from './store/sqlite-store.ts';
import type { Current, Store } from './store/store.ts';
import { openPatiently } from './store-opening.ts';

export interface GatewayOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Of the package: stands in the boot record. */
  readonly version: string;
  /** What systemd has handed to the process; left out: not started by systemd. */
  readonly systemd?: SystemdEnvironment;
  /** Left out: a real one. */
  readonly sendDatagram?: SendDatagram;
  /** Left out: the wires of this machine. */
  readonly machine?: Machine;
  /** Left out: SQLite, as the configuration says. */
  readonly storeOf?: (options: SqliteStoreOptions) => Store;
  /** Left out: MQTT or UDP, as the configuration says. */
  readonly transportOf?: (forwarder: ForwarderConfig) => Transport;
  /** Left out: what this machine's kernel says of its clocks. */
  readonly trust?: Pick<WallClockOptions, 'isSynchronised' | 'hardwareMs'>;
}

export interface StopOptions {
  /** How long the last records may wait for their acknowledgement, in milliseconds. What is left goes at the next start. */
  readonly drainMs?: number;
}

/** How often `systemctl status` is told what there is. */
const STATUS_EVERY_MS = 5000;
const DRAIN_LOOK_MS = 50;
const WITHOUT_STORE = 'the store cannot be opened: alarms go on, nothing is kept';

/**
 * The gateway: sensors → store → forwarders. Opens its parts in order and closes them in reverse. A sensor or a broker
 * that is missing stops nothing.
 */
export class Gateway {
  readonly #config: GatewayConfig;
  readonly #options: GatewayOptions;
  readonly #wall: WallClock;
  readonly #store: Store;
  readonly #recorder: Recorder;
  readonly #machine: Machine;
  readonly #buses: Buses;
  readonly #alarms: Alarms;
  readonly #sampler: Sampler;
  readonly #forwarders: readonly Forwarder[];
  readonly #control: ControlSocket;
  readonly #systemd: SystemdNotifier;
  readonly #watchdog: Watchdog | undefined;
  readonly #opened = new AsyncDisposableStack();
  /** The store, and what needs it. */
  readonly #keeping = new AsyncDisposableStack();
  readonly #died = new AbortController();
  readonly #stopping = new AbortController();
  readonly #latest = new Map<string, SequencedRecord>();
  #starting: Promise<void> = Promise.resolve();
  #run: RunId = '';
  #startedMs = 0;
  #drainMs = 0;

  constructor(config: GatewayConfig, options: GatewayOptions) {
    const { clock, random, log, systemd = {} } = options;
    const { isSynchronised, hardwareMs } = options.trust ?? KERNEL;
    this.#config = config;
    this.#options = options;
    this.#wall = new WallClock({ clock, isSynchronised, hardwareMs });
    this.#store = this.#makeStore();
    this.#recorder = new Recorder({
      store: this.#store,
      clock,
      log,
      label: () => this.#wall.label(),
      lingerMs: config.store.lingerMs,
      onCommitted: (record) => this.#committed(record),
    });
    this.#machine = options.machine ?? thisMachine({ clock, log });
    this.#buses = busesOf({ machine: this.#machine, clock, log });
    this.#alarms = this.#makeAlarms();
    this.#sampler = new Sampler({
      stations: config.stations,
      metrics: config.metrics,
      clock,
      random,
      log,
      ports: this.#buses.ports,
      memoryOf: filesIn(sensorsFolderOf(config.store.path)),
      judgeOf: judgesOf(config.stations),
      onSample: (sample) => this.#alarms.sampled(sample),
      source: this.#wall,
      emit: (observation, urgency) => this.#recorder.record(observation, urgency),
    });
    this.#forwarders = config.forward.map((forwarder) => this.#makeForwarder(forwarder));
    const verbs = { status: async () => await this.status(), read: () => this.read(), ...alarmVerbs(this.#alarms) };
    this.#control = new ControlSocket(controlPathOf(config.store.path), verbs, log);
    this.#systemd = new SystemdNotifier(systemd, options.sendDatagram ?? sendUnixDatagram, log);
    this.#watchdog = this.#makeWatchdog(systemd);
  }

  /** Aborted, with why, when the store has died: nothing is kept any more, and only a new process helps. */
  get died(): AbortSignal {
    return this.#died.signal;
  }

  /** Runs until the signal is aborted, then stops. Rejects when it cannot start, and when its store has died. */
  async run(signal: AbortSignal): Promise<void> {
    await this.start();
    await aborted(AbortSignal.any([signal, this.#died.signal]));
    if (!this.#died.signal.aborted) return await this.stop();
    await this.stop().catch((err: unknown) => this.#options.log.error({ err }, 'the gateway did not stop cleanly'));
    throw this.#died.signal.reason;
  }

  /** Once. Resolves when records are being made. Rejects with why not, having closed everything again. */
  async start(): Promise<void> {
    this.#starting = this.#start();
    await this.#starting;
  }

  /**
   * Makes the last records, stores them, closes everything in reverse. Safe whether or not it is running; where it is just
   * being started, that ends first, within a few seconds.
   */
  async stop({ drainMs = 0 }: StopOptions = {}): Promise<void> {
    // Whoever called it hears why it could not start.
    await this.#starting.catch(() => undefined);
    this.#systemd.stopping();
    this.#drainMs = drainMs;
    this.#watchdog?.stop();
    this.#stopping.abort();
    await this.#opened.disposeAsync();
    const { committed, lost, waiting } = this.#recorder;
    // What waits still has never had a store.
    this.#options.log.info({ committed, lost: lost + waiting }, 'the gateway has stopped');
  }

  async status(): Promise<GatewayStatus> {
    return statusOf({
      gateway: this.#config.gateway,
      run: this.#run,
      version: this.#options.version,
      uptimeMs: this.#options.clock.monotonicMs() - this.#startedMs,
      clock: this.#wall.state(),
      sampler: this.#sampler.status(),
      recorder: this.#recorder,
      store: await this.#store.stats(),
      forwarders: this.#forwarders.map((forwarder) => forwarder.status()),
    });
  }

  /** The newest committed record of each station, and the sensors that give nothing. */
  read(): ReadAnswer {
    const { gateway, stations } = this.#config;
    const records = stations.flatMap(({ name }) => this.#latest.get(name) ?? []);
    const failures = this.#sampler.status().sensors.filter(({ code }) => code !== undefined);
    return {
      records: records.map((record) => flatRecordOf({ gateway, run: this.#run, record })),
      failures: failures.map(({ station, sensor, code = '', reason = '' }) => ({ station, sensor, code, reason })),
    };
  }

  /** A station's newest committed sample. */
  latest(station: string): SequencedRecord | undefined {
    return this.#latest.get(station);
  }

  async #start(): Promise<void> {
    this.#startedMs = this.#options.clock.monotonicMs();
    try {
      await this.#openInOrder();
    } catch (error) {
      this.#stopping.abort();
      await this.#opened.disposeAsync();
      throw error;
    }
    const { gateway, stations, forward } = this.#config;
    const fields = { gateway, run: this.#run, stations: stations.length, forwarders: forward.length };
    this.#options.log.info(fields, 'the gateway runs');
    this.#systemd.ready();
    this.#watchdog?.start();
    if (this.#options.systemd?.notifySocket !== undefined) void this.#keepTelling();
  }

  async #openInOrder(): Promise<void> {
    this.#opened.use(this.#keeping);
    const hasDisk = await this.#openStore();
    this.#opened.defer(async () => await this.#buses.close());
    this.#opened.defer(async () => await this.#alarms.stop());
    await this.#alarms.start();
    this.#opened.defer(async () => await this.#sampler.stop());
    await this.#sampler.start();
    this.#opened.defer(async () => await this.#control.close());
    // It is a file: made on a disk that hangs, it would hang everything.
    if (hasDisk) await this.#listen();
  }

  /** A path too long for a socket, say: nobody can ask then, and nothing else is the worse for it. */
  async #listen(): Promise<void> {
    await this.#control.open().catch((err: unknown) => this.#options.log.warn({ err }, 'there is no control socket'));
  }

  /**
   * A disk that fails or hangs must not keep alarms from starting. Without any there is nothing to do without a store. Says whether
   * the disk has answered.
   */
  async #openStore(): Promise<boolean> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    const open = async (): Promise<void> => await this.#beginKeeping();
    this.#recorder.hold();
    if (this.#config.alarms.length === 0) {
      await open();
      return true;
    }
    const onAnswer = (): void => void (signal.aborted || this.#listen());
    const onHopeless = (error: unknown): void => this.#died.abort(error);
    return await openPatiently({ open, clock, log, signal, onAnswer, onHopeless });
  }

  async #beginKeeping(): Promise<void> {
    const { signal } = this.#stopping;
    const current = await this.#store.open();
    if (signal.aborted) return await this.#store.close();
    this.#keeping.defer(async () => await this.#store.close());
    this.#keeping.defer(async () => void (await Promise.all(this.#forwarders.map((forwarder) => forwarder.stop()))));
    this.#keeping.defer(async () => await this.#drain());
    this.#run = current.run;
    await this.#beginRun(current);
    if (!signal.aborted) for (const forwarder of this.#forwarders) forwarder.start();
  }

  /** The first records of a run: which one came before it, and where every metric comes from. */
  async #beginRun({ previous }: Current): Promise<void> {
    const before = previous === undefined ? {} : { previous };
    const simulated = this.#machine.isSimulated ? { simulated: true } : {};
    await this.#recorder.begin([
      this.#event({ event: 'boot', ...before, version: this.#options.version, ...simulated }),
      ...this.#sampler.sources(),
    ]);
  }

  #event(info: Info): Observation {
    return { station: GATEWAY_STATION, kind: 'event', ...this.#wall.label(), metrics: {}, flags: {}, info };
  }

  #committed(record: SequencedRecord): void {
    if (record.kind === 'sample') this.#latest.set(record.station, record);
    for (const forwarder of this.#forwarders) forwarder.notify();
  }

  /** Waits until everything that was observed is on disk and, for as long as it may, until all of it is acknowledged. */
  async #drain(): Promise<void> {
    const { clock } = this.#options;
    await this.#recorder.settled();
    const untilMs = clock.monotonicMs() + this.#drainMs;
    while (clock.monotonicMs() < untilMs) {
      const { forwarders } = await this.#store.stats();
      if (Object.values(forwarders).every(({ pending }) => pending === 0)) return;
      await clock.sleep(DRAIN_LOOK_MS);
    }
  }

  /** Tells systemd what there is, as long as it runs; asks again only when the store has answered. */
  async #keepTelling(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        this.#systemd.status(this.#run === '' ? WITHOUT_STORE : statusLineOf(await this.status()));
      } catch (err) {
        if (!signal.aborted) log.warn({ err }, 'there is no status');
      }
      await clock.sleep(STATUS_EVERY_MS, signal).catch(() => undefined);
    }
  }

  #makeStore(): Store {
    const { gateway, store, forward } = this.#config;
    const { clock, random, log, storeOf = (options) => new SqliteStore(options) } = this.#options;
    return storeOf({
      path: store.path,
      gateway,
      forwarders: forward.map(({ name }) => name),
      budgetBytes: store.budgetBytes,
      lingerMs: store.lingerMs,
      random,
      clock,
      log,
      label: () => this.#wall.label(),
      onDied: (error) => this.#died.abort(error),
    });
  }

  #makeAlarms(): Alarms {
    const { alarms, actuators, buttons, store } = this.#config;
    const { clock, random, log } = this.#options;
    return new Alarms({
      ...{ alarms, actuators, buttons, clock, random, log },
      file: new StateFile(`${store.path}.alarms`),
      label: () => this.#wall.label(),
      emit: (observation) => this.#recorder.record(observation, { urgent: true }),
      output: (settings) => this.#buses.output(settings),
      gpioInput: (settings) => this.#buses.gpioInput(settings),
    });
  }

  #makeForwarder(config: ForwarderConfig): Forwarder {
    const { clock, random, log, transportOf } = this.#options;
    const { gateway } = this.#config;
    const { name, backlogBytesPerSecond } = config;
    const transport = transportOf?.(config) ?? this.#transportOf(config);
    const cap = backlogBytesPerSecond === undefined ? {} : { backlogBytesPerSecond };
    return new Forwarder({ name, gateway, store: this.#store, transport, clock, random, log, ...cap });
  }

  #transportOf(config: ForwarderConfig): Transport {
    const { clock, random, log } = this.#options;
    const { gateway } = this.#config;
    const { name } = config;
    const shared = { gateway, clock, random, log: log.child({ forwarder: name }) };
    return config.kind === 'mqtt'
      ? new MqttTransport({ ...shared, name, broker: config.mqtt })
      : new UdpTransport({ ...shared, centre: config.udp });
  }

  #makeWatchdog({ watchdogMs }: SystemdEnvironment): Watchdog | undefined {
    if (watchdogMs === undefined) return undefined;
    const { clock, log } = this.#options;
    const ticks = (nowMs: number): string | undefined => this.#sampler.tickHealth(nowMs);
    const checks = [ticks, this.#recorder.health];
    return new Watchdog(clock, log, watchdogMs / 2, () => this.#systemd.alive(), checks);
  }
}

/** Where sensors keep what is to survive a restart, beside the store. */
export function sensorsFolderOf(storePath: string): string {
  return `${storePath}.sensors`;
}

/** What judges the values of stations, by their names; undefined where the configuration has no rule for one. */
export function judgesOf(stations: readonly StationConfig[]): (station: string) => QualityJudge | undefined {
  const rules = new Map(stations.map(({ name, quality }) => [name, quality]));
  return (station) => {
    const quality = rules.get(station) ?? {};
    return Object.keys(quality).length === 0 ? undefined : new LiveQuality(quality);
  };
}

const KERNEL = { isSynchronised: kernelClockIsSynchronised, hardwareMs: hardwareClockMs };

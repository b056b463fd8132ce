import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemRandom } from '../../runtime/random.ts';
import { accepts, freePort } from '../ports.ts';
import { eventually, type Program, type Programs, runTool } from '../processes.ts';
import { classArchivePath, fetchKafkaJars, jarsFolder } from './jars.ts';

export interface KafkaBrokerOptions {
  /** Folder of its configuration and data; made if absent. One that had a broker has it again, with its port. */
  readonly folder: string;
  readonly programs: Programs;
  /** Lines of `server.properties` beside the usual ones, or in their place. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** A second listener, for who comes through a proxy; false if left out. */
  readonly edge?: boolean;
  /** Flags of its Java; when left out, those of a start that costs little. */
  readonly java?: readonly string[];
}

/** It serves on `port`, and on `edge` for who comes through a proxy; its controller has a port that stands in its data. */
interface Ports {
  readonly port: number;
  readonly controller: number;
  readonly edge: number;
}

const START_MS = 120_000;
const START_TRIES = 3;
/** Half of what a start costs with the default compiler and collector. */
export const CHEAP_START = ['-Xms128m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'] as const;
const LOGGING = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss.SSS} %p %c{1}: %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
`;

/** A real Kafka, one node in KRaft mode on loopback ports of its own, that can be killed and started again where it was. */
export class KafkaBroker {
  readonly port: number;
  readonly edgePort: number;
  readonly #options: KafkaBrokerOptions;
  readonly #ports: Ports;
  #edgeAdvertised: number;
  #program: Program | undefined;

  private constructor(options: KafkaBrokerOptions, ports: Ports) {
    this.#options = options;
    this.#ports = ports;
    this.port = ports.port;
    this.edgePort = ports.edge;
    this.#edgeAdvertised = ports.edge;
  }

  /** One that is not running yet. */
  static async prepare(options: KafkaBrokerOptions): Promise<KafkaBroker> {
    fetchKafkaJars();
    mkdirSync(options.folder, { recursive: true });
    const kept = join(options.folder, 'ports.json');
    if (!existsSync(kept)) {
      const ports: Ports = { port: await freePort(), controller: await freePort(), edge: await freePort() };
      writeFileSync(kept, JSON.stringify(ports));
    }
    return new KafkaBroker(options, JSON.parse(readFileSync(kept, 'utf8')) as Ports);
  }

  /** For a client's configuration. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Clients of the second listener are told to come to that port from the next start on: the proxy's. */
  advertiseEdge(port: number): void {
    this.#edgeAdvertised = port;
  }

  /** Resolves when it serves; at once where it was started. After a kill that takes some seconds more than at first. */
  async start(): Promise<void> {
    if (this.#program?.hasEnded === false) return;
    const configPath = join(this.#options.folder, 'server.properties');
    writeFileSync(configPath, this.#configuration());
    writeFileSync(join(this.#options.folder, 'log4j2.properties'), LOGGING);
    if (!existsSync(join(this.#data, 'meta.properties'))) await this.#format(configPath);
    for (let tries = 1; ; tries += 1) {
      const program = this.#options.programs.start({
        name: 'kafka',
        command: 'java',
        args: [...this.#jvm(this.#options.java ?? cheapStart()), 'kafka.Kafka', configPath],
      });
      this.#program = program;
      // Its listeners open when it is ready to serve, and not before.
      const isUp = await eventually('kafka serves', START_MS, async () => {
        if (program.hasEnded) return 'no';
        return (await accepts(this.port)) ? 'yes' : undefined;
      });
      if (isUp === 'yes') return;
      if (tries === START_TRIES) program.mustRun();
    }
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#program?.kill();
  }

  /** SIGTERM; resolves when it has ended. */
  async stop(): Promise<void> {
    await this.#program?.stop(START_MS);
  }

  /** It goes on accepting connections, by its kernel, and never answers. */
  pause(): void {
    this.#program?.pause();
  }

  resume(): void {
    this.#program?.resume();
  }

  get #data(): string {
    return join(this.#options.folder, 'data');
  }

  /** Gives the data their cluster's id, and the quorum its one member. */
  async #format(configPath: string): Promise<void> {
    const id = Buffer.from(systemRandom.bytes(16)).toString('base64url').replace(/^-/, 'A');
    await runTool('java', [
      ...this.#jvm(cheapStart()),
      'kafka.tools.StorageTool',
      'format',
      '--standalone',
      '-t',
      id,
      '-c',
      configPath,
    ]);
  }

  #jvm(flags: readonly string[]): readonly string[] {
    const logging = `-Dlog4j2.configurationFile=${join(this.#options.folder, 'log4j2.properties')}`;
    return [...flags, logging, '-cp', join(jarsFolder(), '*')];
  }

  #configuration(): string {
    const { edge = false, settings = {} } = this.#options;
    const { port, controller } = this.#ports;
    const all: Readonly<Record<string, string | number>> = {
      'process.roles': 'broker,controller',
      'node.id': 1,
      'controller.quorum.bootstrap.servers': `127.0.0.1:${controller}`,
      'controller.listener.names': 'CONTROLLER',
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
      'log.dirs': this.#data,
      'auto.create.topics.enable': 'false',
      // After a kill it is refused until its former self counts as gone; a value much lower sees a starved one as gone.
      'broker.session.timeout.ms': 4000,
      'broker.heartbeat.interval.ms': 500,
      'group.initial.rebalance.delay.ms': 0,
      ...SMALL,
      ...(edge ? this.#edgeLines() : {}),
      ...settings,
    };
    return Object.entries(all)
      .map(([name, value]) => `${name}=${value}\n`)
      .join('');
  }

  #edgeLines(): Readonly<Record<string, string>> {
    const { port, controller, edge } = this.#ports;
    const own = `PLAINTEXT://127.0.0.1:${port}`;
    return {
      listeners: `${own},EDGE://127.0.0.1:${edge},CONTROLLER://127.0.0.1:${controller}`,
      'advertised.listeners': `${own},EDGE://127.0.0.1:${this.#edgeAdvertised}`,
      'inter.broker.listener.name': 'PLAINTEXT',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,EDGE:PLAINTEXT,CONTROLLER:PLAINTEXT',
    };
  }
}

/** The half of that, where somebody has made an archive of its classes; one of another Java is not taken. */
function cheapStart(): readonly string[] {
  const archive = classArchivePath();
  return existsSync(archive) ? [...CHEAP_START, `-XX:SharedArchiveFile=${archive}`, '-Xlog:cds=off'] : CHEAP_START;
}

/** What it keeps for itself, as one node needs it. */
const SMALL = {
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 1,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 1,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'share.coordinator.state.topic.num.partitions': 1,
  'log.cleaner.dedupe.buffer.size': 16_777_216,
  'num.network.threads': 2,
  'num.io.threads': 4,
} as const;

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates } from '../certificates.ts';
import { freePort } from '../ports.ts';
import { eventually, type Program, Programs } from '../processes.ts';
import { CHEAP_START, jarsOf } from './maven-jars.ts';

/** The role that a new Cassandra has, with its password. */
export const ADMIN = { user: 'cassandra', password: 'cassandra' } as const;

const START_MS = 300_000;
/** What Cassandra reaches into, as long as it has no JMX. */
const MODULES = [
  ...['--add-exports', 'java.base/jdk.internal.ref=ALL-UNNAMED'],
  ...['--add-exports', 'java.base/sun.nio.ch=ALL-UNNAMED'],
  ...['--add-opens', 'java.base/sun.nio.ch=ALL-UNNAMED'],
  ...['--add-opens', 'java.base/java.io=ALL-UNNAMED'],
] as const;
const LOGBACK = `<configuration scan="false">
<appender name="out" class="ch.qos.logback.core.ConsoleAppender">
<encoder><pattern>%-5level %logger{0} - %msg%n</pattern></encoder></appender>
<root level="INFO"><appender-ref ref="out"/></root>
</configuration>
`;

/** A real Cassandra of one node on loopback ports of its own, over TLS and with users, that can be killed and started again. */
export class Cassandra {
  readonly port: number;
  /** PEM: the authority of its certificate. */
  readonly ca: string;
  readonly #storagePort: number;
  readonly #folder: string;
  readonly #programs = new Programs();
  #program: Program | undefined;
  #hasRoles = false;

  private constructor(folder: string, ca: string, ports: { readonly native: number; readonly storage: number }) {
    this.#folder = folder;
    this.ca = ca;
    this.port = ports.native;
    this.#storagePort = ports.storage;
  }

  /** Resolves when it serves. */
  static async start(): Promise<Cassandra> {
    const folder = mkdtempSync(join(tmpdir(), 'mooring-cassandra-'));
    const { ca, broker } = await makeCertificates(join(folder, 'tls'), 'plaka');
    writeFileSync(join(folder, 'server.pem'), readFileSync(broker.key, 'utf8') + readFileSync(broker.cert, 'utf8'));
    const cassandra = new Cassandra(folder, ca, { native: await freePort(), storage: await freePort() });
    await cassandra.#start();
    return cassandra;
  }

  async restart(): Promise<void> {
    await this.#program?.kill();
    await this.#start();
  }

  pause(): void {
    this.#program?.pause();
  }

  resume(): void {
    this.#program?.resume();
  }

  async stop(): Promise<void> {
    await this.#programs.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const folder = this.#folder;
    mkdirSync(join(folder, 'conf'), { recursive: true });
    writeFileSync(join(folder, 'conf', 'cassandra.yaml'), this.#configuration());
    writeFileSync(join(folder, 'conf', 'logback.xml'), LOGBACK);
    const program = this.#programs.start({
      name: 'cassandra',
      command: 'java',
      args: [
        ...['-Xms512m', '-Xmx512m', '-Xss512k', ...CHEAP_START, '-XX:+ExitOnOutOfMemoryError', ...MODULES],
        `-Dcassandra.config=file://${folder}/conf/cassandra.yaml`,
        `-Dcassandra.storagedir=${folder}`,
        `-Dlogback.configurationFile=${folder}/conf/logback.xml`,
        ...[
          '-Dcassandra-foreground=yes',
          '-Dcassandra.ring_delay_ms=1',
          '-Dcassandra.skip_wait_for_gossip_to_settle=0',
        ],
        '-Dcassandra.superuser_setup_delay_ms=0',
        ...['-cp', join(jarsOf('cassandra.pom.xml'), '*'), 'org.apache.cassandra.service.CassandraDaemon'],
      ],
    });
    this.#program = program;
    const says = (what: RegExp): Promise<unknown> =>
      eventually(`cassandra says ${what}`, START_MS, () => {
        program.mustRun();
        return program.lines.some(({ msg }) => what.test(msg));
      });
    await says(/Starting listening for CQL clients/);
    if (!this.#hasRoles) await says(/Created default superuser role/);
    this.#hasRoles = true;
  }

  #configuration(): string {
    const folder = this.#folder;
    return `cluster_name: mooring
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
listen_address: 127.0.0.1
rpc_address: 127.0.0.1
storage_port: ${this.#storagePort}
native_transport_port: ${this.port}
start_native_transport: true
endpoint_snitch: org.apache.cassandra.locator.SimpleSnitch
seed_provider: [{class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{seeds: "127.0.0.1:${this.#storagePort}"}]}]
commitlog_sync: batch
num_tokens: 1
data_file_directories: [${folder}/data]
commitlog_directory: ${folder}/commitlog
hints_directory: ${folder}/hints
saved_caches_directory: ${folder}/saved
cdc_raw_directory: ${folder}/cdc
commitlog_segment_size: 8MiB
memtable_allocation_type: heap_buffers
auto_snapshot: false
authenticator: PasswordAuthenticator
authorizer: CassandraAuthorizer
client_encryption_options:
  enabled: true
  optional: false
  ssl_context_factory: {class_name: org.apache.cassandra.security.PEMBasedSslContextFactory}
  keystore: ${folder}/server.pem
`;
  }
}

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificates } from '../certificates.ts';
import { freePort } from '../ports.ts';
import type { Program, ProgramOptions } from '../processes.ts';
import { hasSaid, LocalServer } from './local-server.ts';
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
export class Cassandra extends LocalServer {
  readonly port: number;
  readonly #storagePort: number;
  #hasRoles = false;

  private constructor(ports: { readonly native: number; readonly storage: number }) {
    super('cassandra', START_MS);
    this.port = ports.native;
    this.#storagePort = ports.storage;
  }

  /** PEM: the authority of its certificate. */
  get ca(): string {
    return join(this.folder, 'tls', 'ca.pem');
  }

  /** Resolves when it serves. */
  static async start(): Promise<Cassandra> {
    return await new Cassandra({ native: await freePort(), storage: await freePort() }).begin();
  }

  protected override async prepare(): Promise<void> {
    const { folder } = this;
    const { broker } = await makeCertificates(join(folder, 'tls'), 'plaka');
    writeFileSync(join(folder, 'server.pem'), readFileSync(broker.key, 'utf8') + readFileSync(broker.cert, 'utf8'));
    mkdirSync(join(folder, 'conf'));
    writeFileSync(join(folder, 'conf', 'cassandra.yaml'), this.#configuration());
    writeFileSync(join(folder, 'conf', 'logback.xml'), LOGBACK);
  }

  protected programs(): readonly ProgramOptions[] {
    const { folder } = this;
    const args = [
      ...['-Xms512m', '-Xmx512m', '-Xss512k', ...CHEAP_START, '-XX:+ExitOnOutOfMemoryError', ...MODULES],
      `-Dcassandra.config=file://${folder}/conf/cassandra.yaml`,
      `-Dcassandra.storagedir=${folder}`,
      `-Dlogback.configurationFile=${folder}/conf/logback.xml`,
      ...['-Dcassandra-foreground=yes', '-Dcassandra.ring_delay_ms=1', '-Dcassandra.skip_wait_for_gossip_to_settle=0'],
      '-Dcassandra.superuser_setup_delay_ms=0',
      ...['-cp', join(jarsOf('cassandra.pom.xml'), '*'), 'org.apache.cassandra.service.CassandraDaemon'],
    ];
    return [{ name: 'cassandra', command: 'java', args }];
  }

  protected serves([cassandra]: readonly Program[]): boolean {
    this.#hasRoles ||= hasSaid(cassandra, /Created default superuser role/);
    return this.#hasRoles && hasSaid(cassandra, /Starting listening for CQL clients/);
  }

  #configuration(): string {
    const { folder } = this;
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

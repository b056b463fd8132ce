import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../ports.ts';
import type { ProgramOptions } from '../processes.ts';
import { LocalServer } from './local-server.ts';
import { CHEAP_START, hadoopXml, jarsOf, LOG4J } from './maven-jars.ts';

interface Ports {
  readonly zookeeper: number;
  readonly master: number;
  readonly region: number;
  readonly rest: number;
}

const START_MS = 240_000;
const ASK_MS = 10_000;
const SESSION_MS = 120_000;
/** What HBase reaches into of Java 17, by its own start script. */
const OPENED = [
  ...['java.nio', 'sun.nio.ch', 'java.lang', 'java.lang.reflect', 'java.io', 'java.util', 'java.util.concurrent'],
  ...['java.net', 'jdk.internal.ref'],
];
const JAVA_17 = [
  '--add-modules=jdk.unsupported',
  '--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED',
  '--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED',
  ...OPENED.map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`),
  '-Dorg.apache.hbase.thirdparty.io.netty.tryReflectionSetAccessible=true',
];

/** A real HBase, its ZooKeeper, master and region server in one process, and its REST server in another. */
export class Hbase extends LocalServer {
  readonly url: string;
  readonly #ports: Ports;
  readonly #jars = jarsOf('hbase.pom.xml');

  private constructor(ports: Ports) {
    super('hbase', START_MS);
    this.#ports = ports;
    this.url = `http://127.0.0.1:${ports.rest}`;
  }

  /** Resolves when it serves. */
  static async start(): Promise<Hbase> {
    const ports = {
      zookeeper: await freePort(),
      master: await freePort(),
      region: await freePort(),
      rest: await freePort(),
    };
    return await new Hbase(ports).begin();
  }

  protected programs(): readonly ProgramOptions[] {
    return [
      this.#java('hbase', '-Xmx512m', 'org.apache.hadoop.hbase.master.HMaster'),
      this.#java('hbase-rest', '-Xmx128m', 'org.apache.hadoop.hbase.rest.RESTServer'),
    ];
  }

  /** A region server alone is there before it has any region, and the first question about a table takes seconds. */
  protected async serves(): Promise<boolean> {
    try {
      const answer = await this.#ask('/status/cluster');
      if (!answer.ok) return false;
      const { LiveNodes = [] } = (await answer.json()) as { LiveNodes?: { Region?: unknown[] }[] };
      if (!LiveNodes.some(({ Region = [] }) => Region.length > 0)) return false;
      return (await this.#ask('/there-is-none/schema')).status === 404;
    } catch {
      return false;
    }
  }

  #ask(path: string): Promise<Response> {
    const signal = AbortSignal.timeout(ASK_MS);
    return fetch(`${this.url}${path}`, { headers: { accept: 'application/json' }, signal });
  }

  #java(name: string, heap: string, main: string): ProgramOptions {
    const classPath = `${join(this.folder, 'conf')}:${join(this.#jars, '*')}`;
    return { name, command: 'java', args: [heap, ...CHEAP_START, ...JAVA_17, '-cp', classPath, main, 'start'] };
  }

  protected override prepare(): void {
    const conf = join(this.folder, 'conf');
    mkdirSync(conf);
    const { zookeeper, master, region, rest } = this.#ports;
    const site = {
      'hbase.cluster.distributed': false,
      'hbase.rootdir': `file://${join(this.folder, 'root')}`,
      'hbase.tmp.dir': join(this.folder, 'tmp'),
      // A plain folder cannot promise what HDFS does.
      'hbase.unsafe.stream.capability.enforce': false,
      'hbase.wal.provider': 'filesystem',
      'hbase.procedure.store.region.wal.hsync.enable': false,
      'hbase.zookeeper.quorum': '127.0.0.1',
      'hbase.zookeeper.property.clientPort': zookeeper,
      'hbase.zookeeper.property.clientPortAddress': '127.0.0.1',
      'hbase.zookeeper.property.dataDir': join(this.folder, 'zookeeper'),
      'hbase.zookeeper.property.admin.enableServer': false,
      // Its master ends itself where it was stopped for longer; 10 s by default where all are one process.
      'zookeeper.session.timeout.localHBaseCluster': SESSION_MS,
      'hbase.localcluster.assign.random.ports': false,
      'hbase.regionserver.handler.count': 8,
      'hbase.rest.support.proxyuser': false,
      'hbase.rest.host': '127.0.0.1',
      'hbase.rest.port': rest,
      'hbase.rest.info.port': -1,
      ...Object.fromEntries([['master', master] as const, ['regionserver', region] as const].flatMap(serverAt)),
    };
    writeFileSync(join(conf, 'hbase-site.xml'), hadoopXml(site));
    writeFileSync(join(conf, 'log4j.properties'), LOG4J);
  }
}

function serverAt([role, port]: readonly [string, number]): [string, string | number][] {
  return [
    [`hbase.${role}.ipc.address`, '127.0.0.1'],
    [`hbase.${role}.hostname`, '127.0.0.1'],
    [`hbase.${role}.port`, port],
    [`hbase.${role}.info.port`, -1],
  ];
}

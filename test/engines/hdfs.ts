import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../ports.ts';
import { type ProgramOptions, runTool } from '../processes.ts';
import { LocalServer } from './local-server.ts';
import { CHEAP_START, hadoopXml, jarsOf, LOG4J } from './maven-jars.ts';

interface Ports {
  readonly rpc: number;
  readonly http: number;
  readonly data: number;
  readonly dataHttp: number;
  readonly dataRpc: number;
}

const START_MS = 240_000;
const ASK_MS = 3000;
const SERVER = 'org.apache.hadoop.hdfs.server';

/** A real HDFS: one NameNode and one DataNode. */
export class Hdfs extends LocalServer {
  /** Of WebHDFS. */
  readonly url: string;
  readonly #ports: Ports;
  readonly #jars = jarsOf('hdfs.pom.xml');

  private constructor(ports: Ports) {
    super('hdfs', START_MS);
    this.#ports = ports;
    this.url = `http://127.0.0.1:${ports.http}`;
  }

  /** Resolves when it serves. */
  static async start(): Promise<Hdfs> {
    const ports: Ports = {
      rpc: await freePort(),
      http: await freePort(),
      data: await freePort(),
      dataHttp: await freePort(),
      dataRpc: await freePort(),
    };
    return await new Hdfs(ports).begin();
  }

  protected override async prepare(): Promise<void> {
    this.#configure();
    await runTool('java', [...this.#flags(), `${SERVER}.namenode.NameNode`, '-format', '-nonInteractive']);
  }

  protected programs(): readonly ProgramOptions[] {
    return ['namenode.NameNode', 'datanode.DataNode'].map((main) => {
      return { name: main, command: 'java', args: [...this.#flags(), `${SERVER}.${main}`] };
    });
  }

  protected async serves(): Promise<boolean> {
    try {
      const query = 'qry=Hadoop:service=NameNode,name=FSNamesystemState';
      const answer = await fetch(`${this.url}/jmx?${query}`, { signal: AbortSignal.timeout(ASK_MS) });
      const { beans } = (await answer.json()) as { beans: { FSState?: string; NumLiveDataNodes?: number }[] };
      return beans.some(({ FSState, NumLiveDataNodes = 0 }) => FSState === 'Operational' && NumLiveDataNodes > 0);
    } catch {
      return false;
    }
  }

  #flags(): readonly string[] {
    return ['-Xmx256m', ...CHEAP_START, '-cp', `${join(this.folder, 'conf')}:${join(this.#jars, '*')}`];
  }

  #configure(): void {
    const conf = join(this.folder, 'conf');
    // The jars have no web pages, and both programs want a folder of them.
    for (const name of ['hdfs', 'datanode']) mkdirSync(join(conf, 'webapps', name, 'WEB-INF'), { recursive: true });
    const { rpc, http, data, dataHttp, dataRpc } = this.#ports;
    const core = {
      'fs.defaultFS': `hdfs://127.0.0.1:${rpc}`,
      'hadoop.tmp.dir': join(this.folder, 'tmp'),
      'hadoop.security.authentication': 'simple',
      'hadoop.http.filter.initializers': 'org.apache.hadoop.http.lib.StaticUserWebFilter',
    };
    const hdfs = {
      'dfs.replication': 1,
      'dfs.namenode.name.dir': `file://${join(this.folder, 'name')}`,
      'dfs.datanode.data.dir': `file://${join(this.folder, 'data')}`,
      'dfs.namenode.http-address': `127.0.0.1:${http}`,
      'dfs.datanode.address': `127.0.0.1:${data}`,
      'dfs.datanode.http.address': `127.0.0.1:${dataHttp}`,
      'dfs.datanode.ipc.address': `127.0.0.1:${dataRpc}`,
      'dfs.datanode.hostname': '127.0.0.1',
      'dfs.permissions.enabled': false,
      'dfs.namenode.safemode.extension': 0,
      'dfs.namenode.safemode.min.datanodes': 1,
      'dfs.heartbeat.interval': 1,
      'dfs.namenode.heartbeat.recheck-interval': 2000,
      'dfs.client.block.write.replace-datanode-on-failure.policy': 'NEVER',
      'dfs.datanode.du.reserved': 0,
      'dfs.namenode.resource.du.reserved': 10_485_760,
    };
    writeFileSync(join(conf, 'core-site.xml'), hadoopXml(core));
    writeFileSync(join(conf, 'hdfs-site.xml'), hadoopXml(hdfs));
    writeFileSync(join(conf, 'log4j.properties'), LOG4J);
  }
}

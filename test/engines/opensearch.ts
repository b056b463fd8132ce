import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accepts, freePort } from '../ports.ts';
import { eventually, type Program, Programs } from '../processes.ts';
import { jarsOf } from './maven-jars.ts';

/** 2 runs on the Java that Kafka needs; 3 needs 21 or later. */
export type OpenSearchMajor = 2 | 3;

const START_MS = 240_000;
const HEAP = ['-Xms512m', '-Xmx512m'] as const;
/** Half of what a start costs with the default compiler and collector. */
const CHEAP_START = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'] as const;
const JVMS = '/usr/lib/jvm';

/** A real OpenSearch, one node on loopback ports of its own, that can be killed and started again where it was. */
export class OpenSearch {
  readonly url: string;
  readonly #major: OpenSearchMajor;
  readonly #ports: { readonly http: number; readonly transport: number };
  readonly #folder = mkdtempSync(join(tmpdir(), 'mooring-opensearch-'));
  readonly #programs = new Programs();
  #program: Program | undefined;

  private constructor(major: OpenSearchMajor, ports: { readonly http: number; readonly transport: number }) {
    this.#major = major;
    this.#ports = ports;
    this.url = `http://127.0.0.1:${ports.http}`;
  }

  /** Resolves when it serves. */
  static async start(major: OpenSearchMajor): Promise<OpenSearch> {
    const node = new OpenSearch(major, { http: await freePort(), transport: await freePort() });
    await node.#start();
    return node;
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
    const { http, transport } = this.#ports;
    const lib = join(jarsOf(`opensearch${this.#major}.pom.xml`), '*');
    const source = join(import.meta.dirname, 'OpenSearchNode.java');
    const program = this.#programs.start({
      name: 'opensearch',
      command: this.#major === 2 ? 'java' : newJava(),
      // Compiled where it runs: it is one file, and a JDK is what these tests want anyway.
      args: [...HEAP, ...CHEAP_START, '-cp', lib, source, this.#folder, String(http), String(transport)],
    });
    this.#program = program;
    await eventually('opensearch serves', START_MS, async () => {
      program.mustRun();
      return (await accepts(http)) && (await this.#isUsable());
    });
  }

  async #isUsable(): Promise<boolean> {
    const health = `${this.url}/_cluster/health?wait_for_status=yellow&timeout=5s`;
    return await fetch(health, { signal: AbortSignal.timeout(10_000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  }
}

function newJava(): string {
  const [java] = newerJavas();
  if (java === undefined) throw new Error(`OpenSearch 3 needs Java 21 or later, and there is none in ${JVMS}`);
  return java;
}

/** As Debian and others name their folders: `java-21-openjdk-amd64`, `temurin-25-jdk-amd64`. */
function newerJavas(): string[] {
  if (!existsSync(JVMS)) return [];
  return readdirSync(JVMS)
    .filter((name) => Number(/-(\d+)-/.exec(name)?.[1] ?? 0) >= 21)
    .map((name) => join(JVMS, name, 'bin', 'java'))
    .filter((path) => existsSync(path));
}

import { join } from 'node:path';
import { accepts, freePort } from '../ports.ts';
import type { ProgramOptions } from '../processes.ts';
import { javasElsewhere } from './javas.ts';
import { LocalServer } from './local-server.ts';
import { jarsOf } from './maven-jars.ts';

/** 2 runs on the Java that Kafka needs; 3 needs 21 or later. */
export type OpenSearchMajor = 2 | 3;

const START_MS = 240_000;
const HEAP = ['-Xms512m', '-Xmx512m'] as const;
/** Half of what a start costs with the default compiler and collector. */
const CHEAP_START = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'] as const;

/** A real OpenSearch, one node on loopback ports of its own, that can be killed and started again where it was. */
export class OpenSearch extends LocalServer {
  readonly url: string;
  readonly #major: OpenSearchMajor;
  readonly #ports: { readonly http: number; readonly transport: number };

  private constructor(major: OpenSearchMajor, ports: { readonly http: number; readonly transport: number }) {
    super('opensearch', START_MS);
    this.#major = major;
    this.#ports = ports;
    this.url = `http://127.0.0.1:${ports.http}`;
  }

  /** Resolves when it serves. */
  static async start(major: OpenSearchMajor): Promise<OpenSearch> {
    return await new OpenSearch(major, { http: await freePort(), transport: await freePort() }).begin();
  }

  protected programs(): readonly ProgramOptions[] {
    const { http, transport } = this.#ports;
    const lib = join(jarsOf(`opensearch${this.#major}.pom.xml`), '*');
    const source = join(import.meta.dirname, 'OpenSearchNode.java');
    const command = this.#major === 2 ? 'java' : newJava();
    // Compiled where it runs: it is one file, and a JDK is what these tests want anyway.
    const args = [...HEAP, ...CHEAP_START, '-cp', lib, source, this.folder, String(http), String(transport)];
    return [{ name: 'opensearch', command, args }];
  }

  protected async serves(): Promise<boolean> {
    return (await accepts(this.#ports.http)) && (await this.#isUsable());
  }

  async #isUsable(): Promise<boolean> {
    const health = `${this.url}/_cluster/health?wait_for_status=yellow&timeout=5s`;
    return await fetch(health, { signal: AbortSignal.timeout(10_000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  }
}

/** That of the path where there is no other: OpenSearch says it by itself where that is too old. */
function newJava(): string {
  return javasElsewhere('java').find(({ major }) => major >= 21)?.path ?? 'java';
}

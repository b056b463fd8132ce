import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { javasElsewhere } from './javas.ts';

/** A program that an engine needs beside npm packages. */
interface Need {
  readonly program: string;
  /** Of Debian. */
  readonly packageName: string;
  /** The least major version, as `-version` has it. */
  readonly versionMin?: number;
  /** It need not be the one of the path. */
  readonly isElsewhere?: boolean;
}

const PATH = process.env.PATH ?? '';
/** Debian keeps the programs of PostgreSQL beside the path, in a folder for each version. */
const POSTGRES = globSync('/usr/lib/postgresql/*/bin').sort().reverse();
/** Where the programs of the engines are. */
export const ENGINES_PATH = [PATH, '/usr/local/sbin', '/usr/sbin', '/sbin', ...POSTGRES].join(':');

const MAVEN: Need = { program: 'mvn', packageName: 'maven' };
const JVM: readonly Need[] = [{ program: 'java', packageName: 'openjdk-17-jre-headless', versionMin: 17 }, MAVEN];
/** OpenSearch's one file of Java is compiled where it runs. */
const JDK: readonly Need[] = [{ program: 'javac', packageName: 'openjdk-17-jdk-headless', versionMin: 17 }, MAVEN];

const SERVER_OF_POSTGRES: readonly Need[] = [
  { program: 'initdb', packageName: 'postgresql' },
  { program: 'setpriv', packageName: 'util-linux' },
  { program: 'openssl', packageName: 'openssl' },
];

/** By engine, where that is not any JVM and what Maven gets for it. */
const NEEDS: Readonly<Record<string, readonly Need[]>> = {
  'files-kill': [],
  'files-mounts': [{ program: 'bindfs', packageName: 'bindfs' }],
  cassandra: [...JVM, { program: 'openssl', packageName: 'openssl' }],
  copies: [...JDK, ...SERVER_OF_POSTGRES, { program: 'influxd', packageName: 'influxdb' }],
  compose: [
    { program: 'docker-compose', packageName: 'docker-compose' },
    { program: 'mosquitto', packageName: 'mosquitto' },
    { program: 'mosquitto_pub', packageName: 'mosquitto-clients' },
    { program: 'openssl', packageName: 'openssl' },
    { program: 'promtool', packageName: 'prometheus' },
  ],
  'compose-health': [
    ...JDK,
    { program: 'openssl', packageName: 'openssl' },
    { program: 'curl', packageName: 'curl' },
    { program: 'pip3', packageName: 'python3-pip' },
    { program: 'mariadbd', packageName: 'mariadb-server-core' },
    { program: 'mariadb', packageName: 'mariadb-client-core' },
  ],
  dashboards: [
    { program: 'influxd', packageName: 'influxdb' },
    { program: 'prometheus', packageName: 'prometheus' },
    { program: 'prometheus-alertmanager', packageName: 'prometheus-alertmanager' },
  ],
  // What it is built with, once; its `go.mod` says which version.
  juicefs: [{ program: 'go', packageName: 'golang-go' }],
  images: [
    { program: 'buildah', packageName: 'buildah' },
    { program: 'podman', packageName: 'podman netavark aardvark-dns' },
    { program: 'crun', packageName: 'crun' },
    { program: 'iptables', packageName: 'iptables' },
    { program: 'mmdebstrap', packageName: 'mmdebstrap' },
    MAVEN,
  ],
  hdfs: [...JVM, { program: 'python3', packageName: 'python3' }, { program: 'pip3', packageName: 'python3-pip' }],
  opensearch: JDK,
  opensearch3: [{ program: 'javac', packageName: 'openjdk-21-jdk-headless', versionMin: 21, isElsewhere: true }, MAVEN],
  postgres: SERVER_OF_POSTGRES,
  seeds: [
    ...JVM,
    { program: 'mosquitto', packageName: 'mosquitto' },
    { program: 'mariadbd', packageName: 'mariadb-server-core' },
  ],
  prometheus: [
    { program: 'prometheus', packageName: 'prometheus' },
    { program: 'prometheus-alertmanager', packageName: 'prometheus-alertmanager' },
  ],
};

export interface ProgramsOfSystem {
  readonly has: (program: string) => boolean;
  /** What a program prints about its version. */
  readonly versionText: (program: string) => string;
  /** Major versions of Java whose compiler is not in the path. */
  readonly javas: () => readonly number[];
}

const system: ProgramsOfSystem = {
  has: (program) =>
    spawnSync('sh', ['-c', `command -v ${program}`], { env: { ...process.env, PATH: ENGINES_PATH } }).status === 0,
  versionText: (program) => {
    const { stdout, stderr } = spawnSync(program, ['-version'], { encoding: 'utf8' });
    return stdout + stderr;
  },
  javas: () => javasElsewhere('javac').map(({ major }) => major),
};

/** A sentence on what an engine lacks on this machine, with what brings it; undefined where that is nothing. */
export function lackOf(engine: string, programs: ProgramsOfSystem = system): string | undefined {
  const lacking = (NEEDS[engine] ?? JVM).filter((need) => !isThere(need, programs));
  if (lacking.length === 0) return undefined;
  const what = lacking.map(({ program, versionMin }) => (versionMin ? `${program} ${versionMin} or later` : program));
  const packages = lacking.map(({ packageName }) => packageName).join(' ');
  return `it needs ${what.join(' and ')}. Get it with: sudo apt-get install ${packages}`;
}

function isThere({ program, versionMin = 0, isElsewhere = false }: Need, programs: ProgramsOfSystem): boolean {
  if (isElsewhere && programs.javas().some((major) => major >= versionMin)) return true;
  return programs.has(program) && (versionMin === 0 || majorIn(programs.versionText(program)) >= versionMin);
}

function majorIn(text: string): number {
  return Number(/(?:version "|javac )(\d+)/.exec(text)?.[1] ?? 0);
}

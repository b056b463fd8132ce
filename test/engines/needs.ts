import { spawnSync } from 'node:child_process';

/** A program that an engine needs beside npm packages. */
interface Need {
  readonly program: string;
  /** Of Debian. */
  readonly packageName: string;
  /** The least major version, as `-version` has it. */
  readonly versionMin?: number;
}

const MAVEN: Need = { program: 'mvn', packageName: 'maven' };
const JVM: readonly Need[] = [{ program: 'java', packageName: 'openjdk-17-jre-headless', versionMin: 17 }, MAVEN];

/** By engine, where that is not any JVM and what Maven gets for it. */
const NEEDS: Readonly<Record<string, readonly Need[]>> = {
  opensearch3: [{ program: 'java', packageName: 'openjdk-21-jre-headless', versionMin: 21 }, MAVEN],
};

export interface ProgramsOfSystem {
  readonly has: (program: string) => boolean;
  /** What a program prints about its version. */
  readonly versionText: (program: string) => string;
}

const system: ProgramsOfSystem = {
  has: (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0,
  versionText: (program) => {
    const { stdout, stderr } = spawnSync(program, ['-version'], { encoding: 'utf8' });
    return stdout + stderr;
  },
};

/** A sentence on what an engine lacks on this machine, with what brings it; undefined where that is nothing. */
export function lackOf(engine: string, { has, versionText }: ProgramsOfSystem = system): string | undefined {
  const lacking = (NEEDS[engine] ?? JVM).filter(
    ({ program, versionMin = 0 }) => !has(program) || (versionMin > 0 && majorIn(versionText(program)) < versionMin),
  );
  if (lacking.length === 0) return undefined;
  const what = lacking.map(({ program, versionMin }) => (versionMin ? `${program} ${versionMin} or later` : program));
  const packages = lacking.map(({ packageName }) => packageName).join(' ');
  return `it needs ${what.join(' and ')}. Get it with: sudo apt-get install ${packages}`;
}

function majorIn(text: string): number {
  return Number(/version "(\d+)/.exec(text)?.[1] ?? 0);
}

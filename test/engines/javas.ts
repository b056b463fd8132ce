import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const JVMS = '/usr/lib/jvm';

export interface JavaProgram {
  readonly major: number;
  readonly path: string;
}

/** A program of every Java beside that of the path, as Debian and others name their folders: `java-21-openjdk-amd64`, `temurin-25-jdk-amd64`. */
export function javasElsewhere(program: 'java' | 'javac'): JavaProgram[] {
  if (!existsSync(JVMS)) return [];
  return readdirSync(JVMS)
    .map((name) => ({ major: Number(/-(\d+)-/.exec(name)?.[1] ?? 0), path: join(JVMS, name, 'bin', program) }))
    .filter(({ path }) => existsSync(path));
}

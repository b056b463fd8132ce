/** The jars of the Kafka that the tests run against: got once from Maven, kept outside the tree. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const POM = join(import.meta.dirname, 'pom.xml');
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.11.0:copy-dependencies';
/** A first run fetches Maven's own plugins too. */
const FETCH_MS = 600_000;

const POM_TEXT = readFileSync(POM, 'utf8');

export const KAFKA_VERSION = versionOf(POM_TEXT);

/** Another model is another set of jars. */
const JARS_ID = createHash('sha256').update(POM_TEXT).digest('hex').slice(0, 8);

/** Folder with the jars, and with what is made of them. There or not. */
export function kafkaFolder(): string {
  const cache = process.env.XDG_CACHE_HOME ?? '';
  return join(cache === '' ? join(homedir(), '.cache') : cache, 'mooring', `kafka-${KAFKA_VERSION}-${JARS_ID}`);
}

export function hasKafkaJars(): boolean {
  return existsSync(jarsFolder());
}

export function jarsFolder(): string {
  return join(kafkaFolder(), 'lib');
}

/** Of the classes that a broker loads, as Java maps them into memory. There or not. */
export function classArchivePath(): string {
  return join(kafkaFolder(), 'kafka.jsa');
}

/**
 * Fetches the jars where they are not there. All or nothing: they are gathered beside their place and renamed into it, so
 * two runs that do it at once do not meet. Throws with what Maven said.
 */
export function fetchKafkaJars(): void {
  if (hasKafkaJars()) return;
  const folder = kafkaFolder();
  mkdirSync(join(folder, '..'), { recursive: true });
  const gathered = mkdtempSync(`${folder}.`);
  try {
    const args = ['-B', '-q', '-f', POM, COPY, '-DincludeScope=runtime', `-DoutputDirectory=${join(gathered, 'lib')}`];
    const { error, status, stdout, stderr } = spawnSync('mvn', args, { encoding: 'utf8', timeout: FETCH_MS });
    if (status !== 0) throw new Error(error?.message ?? `mvn ended with ${status}:\n${stdout}${stderr}`);
    if (!readdirSync(join(gathered, 'lib')).includes(`kafka_2.13-${KAFKA_VERSION}.jar`))
      throw new Error(`mvn ended well and brought no Kafka ${KAFKA_VERSION}`);
    putInPlace(gathered, folder);
  } finally {
    rmSync(gathered, { recursive: true, force: true });
  }
}

function putInPlace(gathered: string, folder: string): void {
  try {
    renameSync(gathered, folder);
  } catch (error) {
    // Another run was first.
    if (!hasKafkaJars()) throw error;
  }
}

function versionOf(pom: string): string {
  const [, version] = /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([^<]+)<\/version>/.exec(pom) ?? [];
  if (version === undefined) throw new Error('the pom names no version of kafka_2.13');
  return version;
}

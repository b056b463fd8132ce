/** The jars of the engines that are made of them: got once from Maven, kept outside the tree. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';

const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.11.0:copy-dependencies';
/** A first run fetches Maven's own plugins too. */
const FETCH_MS = 900_000;

/**
 * Folder with the jars of a model, `hbase.pom.xml` beside this file, which are fetched where they are not there: all or
 * nothing. Its name has the model's version and hash, as another model is another set. Throws with what Maven said.
 */
export function jarsOf(pom: string): string {
  const path = join(import.meta.dirname, pom);
  const text = readFileSync(path, 'utf8');
  const [, version = '0'] = /<version>([^<]+)<\/version>/.exec(text) ?? [];
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 8);
  const cache = process.env.XDG_CACHE_HOME ?? '';
  const above = join(cache === '' ? join(homedir(), '.cache') : cache, 'mooring');
  const folder = join(above, `${basename(pom, '.pom.xml')}-${version}-${hash}`);
  const lib = join(folder, 'lib');
  if (existsSync(lib)) return lib;
  mkdirSync(above, { recursive: true });
  const gathered = mkdtempSync(`${folder}.`);
  try {
    const args = ['-B', '-q', '-f', path, COPY, '-DincludeScope=runtime', `-DoutputDirectory=${join(gathered, 'lib')}`];
    const { error, status, stdout, stderr } = spawnSync('mvn', args, { encoding: 'utf8', timeout: FETCH_MS });
    if (status !== 0) throw new Error(error?.message ?? `mvn ended with ${status}:\n${stdout}${stderr}`);
    if (readdirSync(join(gathered, 'lib')).length === 0) throw new Error('mvn ended well and brought no jars');
    renameSync(gathered, folder);
  } catch (error) {
    // Another run was first.
    if (!existsSync(lib)) throw error;
  } finally {
    rmSync(gathered, { recursive: true, force: true });
  }
  return lib;
}

/** Hadoop's way to write a configuration file. */
export function hadoopXml(properties: Readonly<Record<string, string | number | boolean>>): string {
  const lines = Object.entries(properties).map(
    ([name, value]) => `<property><name>${name}</name><value>${value}</value></property>\n`,
  );
  return `<configuration>\n${lines.join('')}</configuration>\n`;
}

/** log4j 1, to the console. */
export const LOG4J = `log4j.rootLogger=WARN,c
log4j.appender.c=org.apache.log4j.ConsoleAppender
log4j.appender.c.target=System.err
log4j.appender.c.layout=org.apache.log4j.PatternLayout
log4j.appender.c.layout.ConversionPattern=%d{ISO8601} %p %c{2}: %m%n
`;

/** Flags of a Java that starts cheaply: half of what it costs with the default compiler and collector. */
export const CHEAP_START = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.net.preferIPv4Stack=true'] as const;

/**
 * The health checks of the stores in deploy/compose.yaml, on real processes, one after the other: each is as Compose has it but for
 * where the store is. Those of the core are in images.engine.ts. Not here: InfluxDB 2's and Grafana's, which are in no package.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { ADMIN as CASSANDRA_ADMIN, Cassandra } from './cassandra.ts';
import { Hdfs } from './hdfs.ts';
import { Composed } from './images/composed.ts';
import type { LocalServer } from './local-server.ts';
import { ADMIN as MARIADB_ADMIN, Mariadb } from './mariadb.ts';
import { OpenSearch } from './opensearch.ts';

type Command = readonly [string, ...string[]];

const CQLSH = 'cqlsh==6.2.2';
const CHECK_MS = 30_000;
const compose = new Composed(join(import.meta.dirname, '..', '..', 'deploy', 'compose.yaml'), {});

/** In a shell too: where the store is goes in for where it is in its container. */
function commandOf(service: string, from: string, to: string): Command {
  const command = compose.healthCommand(service);
  expect(command.join(' ')).toContain(from);
  return command.map((word) => word.replace(from, to)) as [string, ...string[]];
}

function statusOf([program, ...args]: Command, env: Readonly<Record<string, string>> = {}): number | null {
  return spawnSync(program, args, { env: { ...process.env, ...env }, timeout: CHECK_MS }).status;
}

async function healthyUntilEnd(server: LocalServer, check: () => number | null): Promise<void> {
  try {
    expect(check()).toBe(0);
    await server.kill();
    expect(check()).not.toBe(0);
  } finally {
    await server.stop();
  }
}

let cqlsh: string;
beforeAll(() => {
  cqlsh = fetchedCqlsh();
});

test('OpenSearch', { timeout: 300_000 }, async () => {
  const server = await OpenSearch.start(2);
  const command = commandOf('opensearch', 'http://localhost:9200', server.url);
  await healthyUntilEnd(server, () => statusOf(command));
});

test('Cassandra, with its cqlsh from PyPI, over TLS and with a login, as this one has them', {
  timeout: 400_000,
}, async () => {
  const server = await Cassandra.start();
  const place = `cqlsh 127.0.0.1 ${server.port} --ssl -u ${CASSANDRA_ADMIN.user} -p ${CASSANDRA_ADMIN.password} `;
  const command = commandOf('cassandra', 'cqlsh ', place);
  const env = {
    PATH: `${join(cqlsh, 'bin')}:${process.env.PATH}`,
    PYTHONPATH: cqlsh,
    SSL_CERTFILE: server.ca,
    SSL_VALIDATE: 'false',
  };
  await healthyUntilEnd(server, () => statusOf(command, env));
});

test('MariaDB, by what the script of its image asks: the script is in no package', { timeout: 120_000 }, async () => {
  const server = await Mariadb.start();
  expect(compose.healthCommand('mariadb')).toEqual(['healthcheck.sh', '--connect', '--innodb_initialized']);
  const place = ['--no-defaults', '-h127.0.0.1', `-P${server.port}`, `-u${MARIADB_ADMIN.user}`];
  const asked = [
    'SELECT 1',
    "SELECT 1 FROM information_schema.ENGINES WHERE engine='innodb' AND support IN ('YES', 'DEFAULT', 'ENABLED')",
  ];
  await healthyUntilEnd(server, () =>
    Math.max(
      ...asked.map(
        (question) => statusOf(['mariadb', ...place, '-e', question], { MYSQL_PWD: MARIADB_ADMIN.password }) ?? 1,
      ),
    ),
  );
});

test('HDFS: the NameNode and the DataNode', { timeout: 300_000 }, async () => {
  const server = await Hdfs.start();
  const site = readFileSync(join(server.folder, 'conf', 'hdfs-site.xml'), 'utf8');
  const [, data = ''] = /dfs\.datanode\.http\.address<\/name>\s*<value>([^<]+)/.exec(site) ?? [];
  const commands = [
    commandOf('hdfs-namenode', 'http://localhost:9870', server.url),
    commandOf('hdfs-datanode', 'http://localhost:9864', `http://${data}`),
  ];
  try {
    expect(commands.map((command) => statusOf(command))).toEqual([0, 0]);
    await server.kill();
    for (const command of commands) expect(statusOf(command)).not.toBe(0);
  } finally {
    await server.stop();
  }
});

/** The folder of its package, kept outside the tree. */
function fetchedCqlsh(): string {
  const cache = process.env.XDG_CACHE_HOME ?? '';
  const above = join(cache === '' ? join(homedir(), '.cache') : cache, 'mooring');
  const folder = join(above, CQLSH.replace('==', '-'));
  if (existsSync(folder)) return folder;
  mkdirSync(above, { recursive: true });
  const gathered = mkdtempSync(`${folder}.`);
  try {
    const { status, stderr } = spawnSync('python3', ['-m', 'pip', 'install', '-q', '--target', gathered, CQLSH], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`pip ended with ${status}: ${stderr}`);
    renameSync(gathered, folder);
  } finally {
    rmSync(gathered, { recursive: true, force: true });
  }
  return folder;
}

// What the tests need beside npm packages. Plain JavaScript, as run.js is.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { ROOT } from '../bin/bootstrap.js';

/** By the tag of the tests that need it: the programs to look for, each with Debian's package that has it. */
const REQUIREMENTS = [
  { name: 'mosquitto', programs: { mosquitto: 'mosquitto' } },
  { name: 'openssl', programs: { openssl: 'openssl' } },
  // A plain `gcc` comes without the C library's headers, which g++ depends on.
  { name: 'gcc', programs: { gcc: 'gcc', 'g++': 'g++' } },
  { name: 'kafka', programs: { java: 'openjdk-17-jre-headless', mvn: 'maven' } },
  { name: 'influxdb', programs: { influxd: 'influxdb' } },
  // Not the server's own package, which starts a service.
  {
    name: 'mariadb',
    programs: {
      mariadbd: 'mariadb-server-core',
      'mariadb-install-db': 'mariadb-server-core',
      my_print_defaults: 'mariadb-client-core',
    },
  },
];
const JAVA_MIN = 17;
export const PATH_WITH_SBIN = `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`;

export function fail(sentence) {
  process.stderr.write(`npm test: ${sentence}\n`);
  process.exit(1);
}

/** Installs the missing programs where that is possible, else says which and how. Returns the names of what is left out. */
export function getPrograms() {
  const leftOut = (process.env.MOORING_TEST_WITHOUT ?? '').split(',').filter((name) => name !== '');
  const unknown = leftOut.filter((name) => !REQUIREMENTS.some((requirement) => requirement.name === name));
  if (unknown.length > 0)
    fail(`MOORING_TEST_WITHOUT names ${unknown.join(', ')}; it may name ${REQUIREMENTS.map((r) => r.name).join(', ')}`);
  const wanted = REQUIREMENTS.filter(({ name }) => !leftOut.includes(name));
  const packages = wanted.flatMap(missingPackages);
  if (packages.length > 0) install(packages);
  const still = wanted.filter((requirement) => missingPackages(requirement).length > 0);
  if (still.length > 0) {
    fail(
      `missing: ${still.map((r) => r.name).join(', ')}. Get it with: sudo apt-get install ${still.flatMap(missingPackages).join(' ')}\n` +
        withoutThem(still.map((r) => r.name)),
    );
  }
  return leftOut;
}

/** Gets the jars of Kafka, which need a Node that runs this project. */
export function getJars(node) {
  const { status, stdout, stderr } = output('java', ['-version']);
  const [, major = '0'] = /version "(\d+)/.exec(stdout + stderr) ?? [];
  if (status !== 0 || Number(major) < JAVA_MIN)
    fail(`Kafka needs Java ${JAVA_MIN} or later; \`java\` is ${major}.\n${withoutThem(['kafka'])}`);
  const fetched = spawnSync(node, [join(ROOT, 'test', 'kafka', 'fetch.ts')], { stdio: ['ignore', 2, 2] });
  if (fetched.status !== 0)
    fail(
      `Maven could not get Kafka; its message is above. With it mended, the same command goes on.\n${withoutThem(['kafka'])}`,
    );
}

/** One line: what the tests run against. */
export function versions(node, leftOut) {
  const ask = {
    mosquitto: () => firstLine('mosquitto', ['-h']),
    openssl: () => firstLine('openssl', ['version']),
    gcc: () => firstLine('g++', ['--version']),
    kafka: () => {
      const jars = join(ROOT, 'test', 'kafka', 'jars.ts');
      const script = `import(${JSON.stringify(jars)}).then((jars) => console.log(jars.KAFKA_VERSION))`;
      return `Kafka ${firstLine(node, ['-e', script])} on ${firstLine('java', ['-version'])}`;
    },
    influxdb: () => firstLine('influxd', ['version']),
    mariadb: () => firstLine('mariadbd', ['--version']),
  };
  const found = REQUIREMENTS.map(({ name }) => (leftOut.includes(name) ? `${name} left out` : ask[name]()));
  return [`Node ${firstLine(node, ['--version'])}`, ...found].join(', ');
}

function withoutThem(names) {
  return `npm test: or leave it out by name: MOORING_TEST_WITHOUT=${names.join(',')} npm test`;
}

function missingPackages({ programs }) {
  return Object.keys(programs)
    .filter((program) => !hasProgram(program))
    .map((program) => programs[program]);
}

function hasProgram(program) {
  return output('sh', ['-c', `command -v ${program}`]).status === 0;
}

function install(packages) {
  const canInstall = process.getuid?.() === 0 && existsSync('/etc/debian_version') && hasProgram('apt-get');
  if (!canInstall) return;
  process.stderr.write(`npm test: installing with apt-get: ${packages.join(' ')}\n`);
  if (!apt(['install', '-y', '--no-install-recommends', ...packages])) {
    apt(['update']);
    apt(['install', '-y', '--no-install-recommends', ...packages]);
  }
}

function apt(args) {
  const result = spawnSync('apt-get', args, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return result.status === 0;
}

function firstLine(program, args) {
  const { stdout, stderr } = output(program, args);
  return `${stdout}${stderr}`.split('\n')[0];
}

function output(program, args) {
  return spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, PATH: PATH_WITH_SBIN } });
}

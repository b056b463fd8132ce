/** The verbs over a real Kafka, as processes. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AuditReport } from '../../cli/audit.ts';
import { freeLoopbackPort } from '../../cli/demo/folder.ts';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { KafkaBroker } from '../kafka/broker.ts';
import { sharedKafka } from '../kafka/shared.ts';
import { Topics } from '../kafka/topics.ts';
import { eventually, type Program, Programs } from '../processes.ts';
import { MAIN, mooring } from './mooring.ts';

const TIMEOUT_MS = 240_000;
const START_MS = 60_000;
const STOP_MS = 5000;

let folder = '';
let programs: Programs;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-cli-kafka-'));
  programs = new Programs();
});
afterEach(async () => {
  await programs.end();
  rmSync(folder, { recursive: true, force: true });
});

async function central(broker: string, prefix: string, ...args: string[]): Promise<Program> {
  const lines = [
    `ingest: { mqtt: { listen: 127.0.0.1:${await freeLoopbackPort()} } }`,
    `kafka: { brokers: ['${broker}'], partitions: 1, prefix: ${prefix} }`,
    'sinks: { archive: { files: { path: records } } }',
    'state: central',
  ];
  const file = join(folder, 'central.yaml');
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  return programs.start({ name: 'central', command: process.execPath, args: [MAIN, 'central', '-c', file, ...args] });
}

async function stopped(program: Program): Promise<number | null> {
  const startMs = systemClock.monotonicMs();
  const status = await program.stop();
  expect(systemClock.monotonicMs() - startMs).toBeLessThan(STOP_MS);
  expect(program.lines.at(-1)?.msg).toBe('the centre has stopped');
  return status;
}

const newPrefix = (): string => `cli-${Buffer.from(systemRandom.bytes(4)).toString('hex')}`;

test('central takes in where there is no Kafka, and ends within five seconds when it is told to', async () => {
  const centre = await central(`127.0.0.1:${await freeLoopbackPort()}`, newPrefix());
  await centre.says('the embedded broker listens', START_MS);
  expect(await stopped(centre)).toBe(0);
});

test('--resume wants a sink that Kafka feeds', () => {
  const lines = ['ingest: { udp: { listen: 127.0.0.1:0, keys: . } }', 'kafka: { brokers: [b:1] }', 'state: s'];
  writeFileSync(join(folder, 'c.yaml'), `${lines.join('\n')}\nsinks: { archive: { files: { path: records } } }\n`);
  const { status, stdout, stderr } = mooring(['central', '-c', 'c.yaml', '--resume', 'archvie'], folder);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toBe(
    'mooring: --resume names no sink that Kafka feeds (sink: archvie, config: c.yaml). It feeds archive.\n',
  );
});

describe('over a real Kafka', { tags: ['kafka'], timeout: TIMEOUT_MS }, () => {
  test('central ends with 1 and says what to change when a topic that is there would not keep records', async () => {
    const address = await sharedKafka();
    const prefix = newPrefix();
    await new Topics(address).create({ name: `${prefix}.records`, settings: { 'retention.ms': '1000' } });
    const centre = await central(address, prefix);
    expect(await centre.ends(START_MS)).toBe(1);
    const last = centre.lines.at(-1)?.msg ?? '';
    expect(last).toMatch(new RegExp(`^mooring: the topic ${prefix}\\.records is not fit to keep records: `));
    expect(last).toContain(`--entity-name ${prefix}.records --add-config `);
    expect(centre.lines.at(-2)?.msg).toBe('the centre has stopped');
  });

  test('a Kafka that hangs does not keep central from ending within five seconds', async () => {
    const broker = await KafkaBroker.prepare({ folder: join(folder, 'kafka'), programs });
    await broker.start();
    const centre = await central(broker.address, newPrefix());
    await centre.says('reading the log', START_MS);
    broker.pause();
    expect(await stopped(centre)).toBe(0);
    broker.resume();
  });

  test('the demo goes through it, shows it, and a second one goes on with the same topics', async () => {
    const address = await sharedKafka();
    for (const count of [1, 2]) {
      const args = [MAIN, 'demo', '--data', join(folder, 'd'), '--plain', '--kafka', address];
      const demo = programs.start({ name: `demo ${count}`, command: process.execPath, args });
      await eventually('it shows Kafka, and what is stored', START_MS, () =>
        demo.lines.some(({ msg }) => /^link=up kafka=up .* stored_since_start=[1-9]/.test(msg)),
      );
      expect(await demo.stop()).toBe(0);
      const { status, stdout } = mooring(['audit', 'd/records', '--store', 'd/store.db', '--json'], folder);
      expect(status, stdout).toBe(0);
      const { runs } = JSON.parse(stdout) as AuditReport;
      expect(runs).toHaveLength(count);
      expect(runs.map(({ acked_but_missing }) => acked_but_missing)).toEqual(runs.map(() => 0));
    }
    const prefix = readFileSync(join(folder, 'd', 'kafka-prefix'), 'utf8').trim();
    expect((await new Topics(address).names()).filter((name) => name.startsWith(`${prefix}.`))).toHaveLength(3);
  });

  test('a demo over a Kafka that is not there says so, ends with 1, and makes nothing', async () => {
    const address = `127.0.0.1:${await freeLoopbackPort()}`;
    const { status, stdout, stderr } = mooring(['demo', '--data', 'd', '--kafka', address], folder);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(
      new RegExp(`^mooring: there is no Kafka at ${address}: .*Start it, or leave \`--kafka\` out\\.\\n$`),
    );
    expect(existsSync(join(folder, 'd'))).toBe(false);
  });
});

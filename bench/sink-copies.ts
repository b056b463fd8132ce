import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { type Connection, createConnection } from 'mariadb';
import { topicNamesOf } from '../central/recordlog/kafka/topics.ts';
import { flatRecordOf } from '../protocol/flat-record.ts';
import { type RunId, runIdOf, SALT_BYTES } from '../protocol/ids.ts';
import { systemClock } from '../runtime/clock.ts';
import { SeededRandom } from '../runtime/random.ts';
import { ADMIN, Mariadb } from '../test/engines/mariadb.ts';
import { eventually, type Program, Programs } from '../test/processes.ts';
import { cityRecords } from './city-records.ts';
import type { Benchmark } from './figure.ts';
import { PARTITIONS, startKafka } from './kafka-broker.ts';
import { type ByHand, byHand } from './kafka-by-hand.ts';
import { median } from './rounds.ts';

const ROUNDS = 4;
/** Two a partition: each copy of two has as much to do. */
const GATEWAYS = 2 * PARTITIONS;
const RECORDS_PER_GATEWAY = 2500;
const RECORDS = GATEWAYS * RECORDS_PER_GATEWAY;
const MESSAGES_PER_SEND = 2000;
const SINK = 'sql';
const SEED = 7;
const START_MS = 60_000;
const TURN_MS = 120_000;
const MAIN = new URL('../cli/main.ts', import.meta.url).pathname;

/** What a sink to MariaDB writes by one copy and by two, from a topic that has everything. */
export const sinkCopies: Benchmark = {
  name: 'sink-copies',
  about: [
    `Records a second from a real Kafka into a real MariaDB, by one copy of the centre with that sink and by two of one group: ${RECORDS}`,
    `of ${GATEWAYS} gateways over ${PARTITIONS} partitions stand in the topic before they may read; until all are rows; median of ${ROUNDS} rounds in turn. Limit of two: one.`,
  ],
  async run({ folder, say }) {
    const programs = new Programs();
    const server = await Mariadb.start();
    const groups: Group[] = [];
    try {
      const { address } = await startKafka(folder, programs);
      for (const copies of [1, 2]) groups.push(await Group.start({ copies, folder, address, server, programs }));
      const rates = groups.map(() => [] as number[]);
      for (let round = 0; round <= ROUNDS; round += 1) {
        for (const [index, group] of groups.entries()) {
          const rate = await group.turn(round);
          say(`${index + 1}: ${Math.round(rate)} records a second${round === 0 ? ', to warm up' : ''}`);
          if (round > 0) rates[index]?.push(rate);
        }
      }
      for (const group of groups) await group.audit(ROUNDS + 1);
      const [one = 0, two = 0] = rates.map(median);
      return [
        { name: 'sink-copies/one', value: one, unit: 'records/s' },
        { name: 'sink-copies/two', value: two, unit: 'records/s', limit: one },
      ];
    } finally {
      await Promise.all(groups.map((group) => group.close()));
      await programs.end();
      await server.stop();
    }
  },
};

interface GroupOptions {
  readonly copies: number;
  readonly folder: string;
  readonly address: string;
  readonly server: Mariadb;
  readonly programs: Programs;
}

/** Copies of the centre that share one sink, with topics and a database of their own. */
class Group {
  readonly #centres: readonly Program[];
  readonly #database: string;
  readonly #connection: Connection;
  readonly #hand: ByHand;
  readonly #topic: string;

  private constructor(centres: readonly Program[], name: string, connection: Connection, hand: ByHand) {
    this.#centres = centres;
    this.#database = name;
    this.#connection = connection;
    this.#hand = hand;
    this.#topic = topicNamesOf(name).records;
  }

  /** Resolves when every copy has its part of the partitions. */
  static async start({ copies, folder, address, server, programs }: GroupOptions): Promise<Group> {
    const name = `bench${copies}`;
    const password = join(folder, 'password');
    writeFileSync(password, `${ADMIN.password}\n`, { mode: 0o600 });
    const { port } = server;
    const place = { host: '127.0.0.1', port, database: name };
    const centres = Array.from({ length: copies }, (_, copy) => {
      const state = join(folder, `state-${name}-${copy}`);
      mkdirSync(state);
      const path = join(folder, `${name}-${copy}.yaml`);
      const config = {
        ...{ kafka: { brokers: [address], prefix: name }, state },
        sinks: { [SINK]: { mariadb: place, user: ADMIN.user, password } },
      };
      // JSON is YAML.
      writeFileSync(path, JSON.stringify(config));
      return programs.start({ name, command: process.execPath, args: [MAIN, 'central', '-c', path] });
    });
    await allAreMembers(address, `${name}.${SINK}`, centres);
    const connection = await createConnection({ ...ADMIN, host: place.host, port });
    return new Group(centres, name, connection, await byHand('kafkajs', address));
  }

  /** Fills the topic while nobody reads; records a second until all are in MariaDB. */
  async turn(round: number): Promise<number> {
    const runs = runsOf(round);
    const sends = messagesOf(this.#topic, runs).map((messages) => this.#hand.prepare(messages));
    for (const centre of this.#centres) centre.pause();
    try {
      for (const send of sends) await send();
    } finally {
      for (const centre of this.#centres) centre.resume();
    }
    const startMs = systemClock.monotonicMs();
    await eventually('all are rows', TURN_MS, async () => {
      for (const centre of this.#centres) centre.mustRun();
      return await this.#hasLastOf(runs);
    });
    return (RECORDS * 1000) / (systemClock.monotonicMs() - startMs);
  }

  /** Throws where the table has not every record of so many turns; no id is in it twice, as it is its key. */
  async audit(turns: number): Promise<void> {
    const [found] = await this.#connection.query<{ count: bigint }[]>(
      `SELECT COUNT(*) AS count FROM ${this.#database}.records`,
    );
    assert.equal(Number(found?.count), turns * RECORDS, 'every record is a row');
    for (const centre of this.#centres) assert.equal(await centre.stop(), 0, 'the centre ends cleanly');
  }

  async close(): Promise<void> {
    await this.#hand.close();
    await this.#connection.end();
  }

  /** What comes before it in its partition was written before it. */
  async #hasLastOf(runs: readonly Run[]): Promise<boolean> {
    const last = runs.map(({ run }) => `('${run}', ${RECORDS_PER_GATEWAY})`).join();
    const [found] = await this.#connection.query<{ count: bigint }[]>(
      `SELECT COUNT(*) AS count FROM ${this.#database}.records WHERE (run, sequence) IN (${last})`,
    );
    return Number(found?.count) === runs.length;
  }
}

async function allAreMembers(address: string, group: string, centres: readonly Program[]): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: [address], clientId: 'bench', logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    await eventually(`${group} has ${centres.length} members`, START_MS, async () => {
      for (const centre of centres) centre.mustRun();
      const [found] = (await admin.describeGroups([group])).groups;
      return found?.state === 'Stable' && found.members.length === centres.length;
    });
  } finally {
    await admin.disconnect();
  }
}

interface Message {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  readonly value: string;
}

interface Run {
  readonly gateway: string;
  readonly partition: number;
  readonly run: RunId;
}

/** A new one of each gateway. */
function runsOf(round: number): Run[] {
  const random = new SeededRandom(round + 1);
  return Array.from({ length: GATEWAYS }, (_, index) => {
    const gateway = `bench-${index}`;
    return { gateway, partition: index % PARTITIONS, run: runIdOf(gateway, random.bytes(SALT_BYTES)) };
  });
}

/** Of all runs in turn, in sends of equal size. */
function messagesOf(topic: string, runs: readonly Run[]): Message[][] {
  const messages = cityRecords(SEED, RECORDS_PER_GATEWAY).flatMap((record) =>
    runs.map(({ gateway, partition, run }) => {
      const flat = flatRecordOf({ gateway, run, record, receivedAtMs: record.timestampMs });
      return { topic, partition, key: gateway, value: JSON.stringify(flat) };
    }),
  );
  return Array.from({ length: Math.ceil(messages.length / MESSAGES_PER_SEND) }, (_, at) =>
    messages.slice(at * MESSAGES_PER_SEND, (at + 1) * MESSAGES_PER_SEND),
  );
}

import assert from 'node:assert/strict';
import { systemClock } from '../../runtime/clock.ts';
import { ARCHIVE, type Shore, type ShoreKafka } from '../faults/shore.ts';
import { readSink } from '../faults/sink.ts';
import type { Site } from '../faults/site.ts';
import { readTopic } from '../faults/topic.ts';
import { catchUp, mustBeClean } from '../faults/verdict.ts';
import { eventually } from '../processes.ts';
import { ADMIN, type Cassandra } from './cassandra.ts';
import { ask, DATACENTER, type Place, placeFor } from './cassandra-harness.ts';

/** What a run of a site has cost. */
export interface Cost {
  /** Different records, and messages, in the topic of records. */
  readonly records: number;
  readonly messages: number;
  /** Between the gateway and its broker. */
  readonly up: number;
  readonly down: number;
}

export interface Outage {
  readonly outageMs: number;
  /** How long an ingest copy is away. */
  readonly copyDownMs: number;
}

const STORE = 'cassandra';
const KEYSPACE = 'mooring';
/** 50 records a second. */
const STATIONS = 10;
const EVERY = '200ms';
const LEAD_MS = 15_000;
const TAIL_MS = 30_000;
/** After the store is gone: what was on its way to it has arrived, and its acknowledgements too. */
const GRACE_MS = 5000;
/** A busy machine included. */
const BEGIN_MS = 180_000;
/** For the store to catch up; less than the ten minutes after which a gateway sends again what a killed copy has held. */
const SETTLED_MS = 540_000;
/** On its way while nothing is wrong. */
const USUAL_RECORDS = 150;
const DRAIN_MS = 90_000;

/** A gateway, a Mosquitto, two copies of ingest and a centre of sinks, one of them a Cassandra of its own. */
export class StoreSite {
  readonly site: Site;
  readonly #cassandra: Cassandra;
  readonly #place: string;
  readonly #shore: Shore;

  private constructor(site: Site, cassandra: Cassandra, shore: Shore) {
    this.site = site;
    this.#cassandra = cassandra;
    this.#shore = shore;
    this.#place = JSON.stringify(placeFor(cassandra, KEYSPACE));
  }

  /** Resolves when records arrive in both sinks. */
  static async start(site: Site, kafka: ShoreKafka, cassandra: Cassandra): Promise<StoreSite> {
    const shore = await site.addShore(undefined, {
      kafka,
      copies: [
        { ingest: true, sinks: false },
        { ingest: true, sinks: false },
        { ingest: false, sinks: true },
      ],
      ack: [ARCHIVE, STORE],
      stores: { [STORE]: sinkOf(placeFor(cassandra, KEYSPACE)) },
    });
    await shore.broker.start();
    await site.startCentre(shore);
    await site.startGatewayWith(
      Array.from({ length: STATIONS }, (_, index) => ({
        name: `city-${index + 1}`,
        every: EVERY,
        sensors: [{ driver: 'sim', profile: 'city', seed: index + 1 }],
      })),
    );
    await eventually('both sinks have records', BEGIN_MS, () => {
      for (const centre of shore.centres) centre.mustRun();
      return site.settled(shore) > USUAL_RECORDS;
    });
    return new StoreSite(site, cassandra, shore);
  }

  /** Load for as long as an outage and what is around it take, and the outage where it is to be. */
  async run(wholeMs: number, outage?: Outage): Promise<void> {
    const endMs = systemClock.monotonicMs() + LEAD_MS + wholeMs + TAIL_MS;
    await systemClock.sleep(LEAD_MS);
    if (outage !== undefined) await this.#breakStore(outage);
    await systemClock.sleep(Math.max(0, endMs - systemClock.monotonicMs()));
    const startMs = systemClock.monotonicMs();
    await eventually('all that was held is freed', SETTLED_MS, () => this.#unsettled <= USUAL_RECORDS);
    this.#say(`settled ${Math.round(systemClock.monotonicMs() - startMs)} ms after the end`);
  }

  /** Takes the load off, lets everything arrive, and holds both sinks to the promise. Returns what it has cost. */
  async judge(): Promise<Cost> {
    const { site } = this;
    const { up, down } = this.#shore.uplink.bytes;
    await site.drain([this.#shore], DRAIN_MS);
    await catchUp(site, this.#shore);
    await mustBeClean(site, this.#shore, { unsettled: 0 });
    const archived = new Set((await readSink(this.#shore)).map(({ id }) => id));
    const stored = await this.#storedIds();
    assert.deepEqual([archived.size, new Set([...archived].filter((id) => !stored.has(id)))], [stored.size, new Set()]);
    const { kafka } = this.#shore;
    assert(kafka !== undefined, 'it was given one');
    const ids = (await readTopic(kafka)).map(({ record }) => record.id);
    const cost = { records: new Set(ids).size, messages: ids.length, up, down };
    this.#say(`${JSON.stringify(cost)}, clean: ${archived.size} records in the files, ${stored.size} in Cassandra`);
    return cost;
  }

  async close(keep: boolean): Promise<void> {
    await this.site.close({ keep });
  }

  get #unsettled(): number {
    return this.site.unsettled(this.#shore);
  }

  async #breakStore({ outageMs, copyDownMs }: Outage): Promise<void> {
    const { site } = this;
    await this.#cassandra.kill();
    const startMs = systemClock.monotonicMs();
    await systemClock.sleep(GRACE_MS);
    const settled = site.settled(this.#shore);
    this.#say(`Cassandra is away; ${settled} records are freed`);
    await systemClock.sleep(outageMs / 2 - GRACE_MS);
    await site.killCentre(this.#shore, copyDownMs, 0);
    this.#say(`a copy was killed and is back; ${this.#unsettled} records wait`);
    await systemClock.sleep(Math.max(0, outageMs - (systemClock.monotonicMs() - startMs)));
    assert.equal(site.settled(this.#shore), settled, 'nothing is freed while the store is away');
    this.#say(`${this.#unsettled} records wait; Cassandra starts`);
    await this.#cassandra.restart();
    this.#say('Cassandra serves again');
  }

  async #storedIds(): Promise<Set<string>> {
    const rows = await ask(this.#place, `SELECT id FROM "${KEYSPACE}".records`);
    const ids = new Set(rows.map(({ id }) => String(id)));
    assert.equal(ids.size, rows.length, 'each id once');
    return ids;
  }

  #say(text: string): void {
    this.site.say(text);
  }
}

function sinkOf({ port, ca, keyspace, passwordFile }: Place): object {
  return {
    cassandra: { hosts: [`127.0.0.1:${port}`], datacenter: DATACENTER, keyspace },
    user: ADMIN.user,
    password: passwordFile,
    ca,
  };
}

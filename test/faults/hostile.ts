import assert from 'node:assert/strict';
import { connect } from 'mqtt';
import { decodePreamble } from '../../protocol/batch-codec.ts';
import { topicOf } from '../../protocol/topics.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { UdpLink } from '../../sim/udp-link.ts';
import { batchOf, samplesOf } from '../batches.ts';
import { Topics } from '../kafka/topics.ts';
import { PlainGateway } from '../plain-gateway.ts';
import { keepsUp } from './backlog.ts';
import { kafkaFor, type Scenario, startAll } from './scenario.ts';
import { readSink } from './sink.ts';
import { GATEWAY, type Site } from './site.ts';
import { recordsTopic } from './topic.ts';
import { judge } from './verdict.ts';

const CALM_MS = 3000;
const ATTACK_MS = 5000;
/** Of each kind, between two pauses. */
const SALVO = 20;
const PAUSE_MS = 50;
const RECORDED_MAX = 20_000;
const THIEF = 'thief';
const THEFT_RECORDS = 50;

interface Recorded {
  readonly direction: 'up' | 'down';
  readonly datagram: Uint8Array;
}

/** Someone on the line who hears everything, and says it again: as it was, the other way round, and changed. */
class Attacker {
  readonly #site: Site;
  readonly #link: UdpLink;
  readonly #heard: Recorded[] = [];
  /** From then on he hears nothing: what he alone has heard he would not replay, he would deliver it. */
  readonly stopListening: () => void;
  injected = 0;

  constructor(site: Site, link: UdpLink) {
    this.#site = site;
    this.#link = link;
    this.stopListening = link.tap((direction, datagram) => {
      if (this.#heard.length < RECORDED_MAX) this.#heard.push({ direction, datagram: Uint8Array.from(datagram) });
    });
  }

  async attack(durationMs: number): Promise<void> {
    const endMs = systemClock.monotonicMs() + durationMs;
    while (systemClock.monotonicMs() < endMs) {
      for (let count = 0; count < SALVO; count += 1) this.#salvo();
      await systemClock.sleep(PAUSE_MS);
    }
  }

  #salvo(): void {
    const { random } = this.#site;
    const { direction, datagram } = this.#heard[Math.floor(random.uniform() * this.#heard.length)] as Recorded;
    this.#inject(direction, datagram);
    this.#inject(direction === 'up' ? 'down' : 'up', datagram);
    const forged = Uint8Array.from(datagram);
    const at = Math.floor(random.uniform() * forged.length);
    forged[at] = (forged[at] as number) ^ (1 << Math.floor(random.uniform() * 8));
    this.#inject(direction, forged);
    this.#inject(direction, random.bytes(Math.floor(random.uniform() * datagram.length) + 1));
  }

  #inject(direction: 'up' | 'down', datagram: Uint8Array): void {
    this.#link.inject(direction, datagram);
    this.injected += 1;
  }
}

/**
 * While the load runs, over a restart of the centre, and while nothing genuine comes through: then whatever was acknowledged
 * or stored would have been so by a datagram that nobody has sent.
 */
async function attackDatagrams(site: Site): Promise<void> {
  const kafka = await kafkaFor(site);
  const shore = await startAll(site, { way: 'udp', kafka });
  assert(shore.udp !== undefined, 'it comes over UDP');
  const { link } = shore.udp;
  const attacker = new Attacker(site, link);
  await systemClock.sleep(CALM_MS);
  await attacker.attack(ATTACK_MS);
  await Promise.all([attacker.attack(ATTACK_MS), site.killCentre(shore, 1000)]);
  await keepsUp(site, shore);
  attacker.stopListening();
  link.cut('both');
  await systemClock.sleep(CALM_MS);
  const topics = new Topics(kafka.broker.address);
  const before = { settled: site.settled(shore), stored: await topics.count(recordsTopic(kafka)) };
  await attacker.attack(ATTACK_MS);
  const after = { settled: site.settled(shore), stored: await topics.count(recordsTopic(kafka)) };
  assert.deepEqual(after, before, 'nothing is freed and nothing admitted by what nobody has sent');
  link.heal();
  site.say(`${attacker.injected} forged, replayed and reflected datagrams`);
  await keepsUp(site, shore);
  await judge(site, shore);
}

/** Whoever may speak as himself hears another's salt, and names records as the other would. */
async function stealSalt(site: Site): Promise<void> {
  const shore = await startAll(site, { kafka: await kafkaFor(site) });
  const url = `mqtt://127.0.0.1:${shore.broker.port}`;
  const { salt } = decodePreamble(await overhear(url, topicOf(GATEWAY, 'batch')));
  const thief = await PlainGateway.connect(url, THIEF);
  const sequences = Array.from({ length: THEFT_RECORDS }, (_, index) => index + 1);
  const atMs = systemClock.wallMs();
  const records = samplesOf(sequences).map((record) => ({ ...record, timestampMs: atMs }));
  await thief.send(batchOf({ salt, records }));
  const { stored } = await thief.nextAck();
  assert.deepEqual(stored, [[1, THEFT_RECORDS]], 'they are new, whoever else has that salt');
  await thief.end();
  await systemClock.sleep(CALM_MS);
  await keepsUp(site, shore);
  await judge(site, shore);
  const inSink = await readSink(shore);
  assert.equal(inSink.filter(({ gateway }) => gateway === THIEF).length, THEFT_RECORDS, 'they are there as his');
}

/** The next message of a topic. */
async function overhear(url: string, topic: string): Promise<Uint8Array> {
  const client = connect(url, { protocolVersion: 4 });
  try {
    const next = new Promise<Uint8Array>((resolve) => {
      client.once('message', (_topic, payload) => resolve(new Uint8Array(payload)));
    });
    await client.subscribeAsync(topic, { qos: 0 });
    return await next;
  } finally {
    await client.endAsync(true);
  }
}

const needs = ['kafka'];

export const HOSTILE: readonly Scenario[] = [
  {
    name: 'datagrams that are forged, replayed or reflected free nothing and admit nothing',
    needs,
    run: attackDatagrams,
  },
  { name: "a gateway that uses another's salt gets ids of its own", needs, run: stealSalt },
];

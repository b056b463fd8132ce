import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../runtime/clock.ts';
import { batchOf, saltOf, sampleOf } from '../batches.ts';
import { Topics } from '../kafka/topics.ts';
import { PlainGateway } from '../plain-gateway.ts';
import { eventually } from '../processes.ts';
import { KEEPS_UP_RECORDS, keepsUp } from './backlog.ts';
import { kafkaFor, type Scenario, startAll } from './scenario.ts';
import { PARTITIONS, type Shore, type ShoreKafka } from './shore.ts';
import { readAcks, readSink } from './sink.ts';
import type { Site } from './site.ts';
import { readTopic, recordsTopic } from './topic.ts';
import { catchUp, judge } from './verdict.ts';

const ENDS_MS = 90_000;
const DAY_MS = 86_400_000;
const RETENTION = '7d';
const OLD_MS = -10 * DAY_MS;
const FAST_MS = 365 * DAY_MS;
const OLD_RECORDS = 200;
const FAST_RECORDS = 20;
/** Kafka looks for what is too old so often, instead of each five minutes. */
const EAGER = { 'log.retention.check.interval.ms': 500, 'log.initial.task.delay.ms': 500 } as const;
const SOON_MS = 60_000;

/** The centre ends, and says of what; whatever is not acknowledged stays with the gateway and goes to the next log. */
async function deleteTopic(site: Site): Promise<void> {
  const kafka = await kafkaFor(site);
  const shore = await startAll(site, { kafka });
  await eventually('records are acknowledged', SOON_MS, () => site.settled(shore) > KEEPS_UP_RECORDS);
  // What is acknowledged out of the topic has to be in the sink first: with the topic it would go by whoever deletes it.
  shore.uplink.cut();
  await catchUp(site, shore);
  const settled = site.settled(shore);
  await new Topics(kafka.broker.address).delete(recordsTopic(kafka));
  shore.uplink.heal();
  const [centre] = shore.centres;
  assert.equal(await centre?.ends(ENDS_MS), 1, 'the centre ends with an error');
  assert.match(centre?.tail() ?? '', new RegExp(recordsTopic(kafka)), 'which names the topic');
  assert.equal(site.settled(shore), settled, 'nothing was acknowledged out of a topic that is gone');
  site.say(`the topic is deleted: ${settled} records are settled, ${site.unsettled(shore)} wait`);
  const gone = new Set(readAcks(shore));
  await goOnWith(site, shore, { ...kafka, prefix: `${kafka.prefix}-second` });
  await keepsUp(site, shore);
  await judge(site, shore, { gone });
}

/** Another log, on purpose: the centre has to forget the one that it knows. */
async function goOnWith(site: Site, shore: Shore, kafka: ShoreKafka): Promise<void> {
  shore.kafka = kafka;
  rmSync(join(shore.folder, 'state-0', 'kafka.json'));
  await site.startCentre(shore);
}

/** The centre refuses to run, and does when what it says was done. */
async function refuseWeakTopic(site: Site): Promise<void> {
  const kafka = await kafkaFor(site);
  const shore = await site.addShore(undefined, { kafka });
  await Promise.all([shore.broker.start(), kafka.broker.start()]);
  const topics = new Topics(kafka.broker.address);
  await topics.create({ name: recordsTopic(kafka), partitions: PARTITIONS });
  await site.startGateway();
  site.witness.start();
  const centre = await site.startCopy(shore, 0, { connected: false });
  assert.equal(await centre.ends(ENDS_MS), 1, 'the centre refuses to run');
  assert.equal(site.settled(shore), 0, 'nothing was acknowledged');
  const [, topic, wanted = ''] =
    /kafka-configs\.sh .*--entity-name (\S+) --add-config ([^"\s]+)/.exec(centre.tail()) ?? [];
  assert.equal(topic, recordsTopic(kafka), 'it says what to change');
  site.say(`refused: wanted is ${wanted}`);
  const settings = wanted.split(',').map((setting) => setting.split('=') as [string, string]);
  await topics.alter(recordsTopic(kafka), Object.fromEntries(settings));
  await site.startCentre(shore);
  await keepsUp(site, shore);
  await judge(site, shore);
}

/** A gateway that was away for ten days, and one whose clock is a year ahead. */
async function keepOldAndFast(site: Site): Promise<void> {
  const kafka = { ...(await kafkaFor(site, { settings: EAGER })), retention: RETENTION };
  const shore = await site.addShore(undefined, { kafka });
  await Promise.all([shore.broker.start(), kafka.broker.start()]);
  await site.startCentre(shore);
  const gateway = await PlainGateway.connect(`mqtt://127.0.0.1:${shore.broker.port}`, 'patient');
  const nowMs = systemClock.wallMs();
  const records = Array.from({ length: OLD_RECORDS + FAST_RECORDS }, (_, index) => {
    const beginMs = nowMs + (index < OLD_RECORDS ? OLD_MS : FAST_MS);
    return { ...sampleOf(index + 1), timestampMs: beginMs + index * 1000 };
  });
  await gateway.send(batchOf({ salt: saltOf(1), records }));
  const { stored } = await gateway.nextAck();
  assert.deepEqual(stored, [[1, records.length]], 'everything is acknowledged');
  await mustDeleteByEventTime(new Topics(kafka.broker.address), nowMs + OLD_MS);
  const kept = await readTopic(kafka);
  assert.equal(new Set(kept.map(({ record }) => record.id)).size, records.length, 'everything is in the topic');
  await eventually('everything is in the sink', SOON_MS, async () => (await readSink(shore)).length >= records.length);
  await gateway.end();
  await site.stopCentre(shore);
  const written = await readSink(shore);
  assert.deepEqual(
    written.map(({ timestamp }) => Date.parse(timestamp)).sort((a, b) => a - b),
    records.map(({ timestampMs }) => timestampMs),
    'each once',
  );
  site.say(`kept: ${OLD_RECORDS} records of ten days ago, ${FAST_RECORDS} of the next year`);
}

/** The same broker deletes what is so old by its own stamp: resolves when it has done so, so it has been over all topics. */
async function mustDeleteByEventTime(topics: Topics, timestampMs: number): Promise<void> {
  const settings = { 'retention.ms': String(7 * DAY_MS), 'message.timestamp.type': 'CreateTime' };
  await topics.create({ name: 'by-event-time', settings });
  await topics.write('by-event-time', { value: 'old', timestampMs });
  await eventually('a topic by event time loses what is old', SOON_MS, async () => {
    return (await topics.count('by-event-time')) === 0;
  });
}

const needs = ['kafka'];

export const TOPICS: readonly Scenario[] = [
  { name: 'a topic that is deleted under way ends the centre, and frees nothing', needs, run: deleteTopic },
  { name: 'a topic that is there and weaker is refused, with what to change', needs, run: refuseWeakTopic },
  { name: 'a backlog of ten days ago and a clock a year ahead are kept', needs, run: keepOldAndFast },
];

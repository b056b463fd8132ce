import assert from 'node:assert/strict';
import type { KafkaClientKind } from '../../central/config/types.ts';
import { systemClock } from '../../runtime/clock.ts';
import { Topics } from '../kafka/topics.ts';
import { eventually } from '../processes.ts';
import { keepsUp } from './backlog.ts';
import { between, kafkaFor, type Scenario, startAll } from './scenario.ts';
import type { Site } from './site.ts';
import { recordsTopic } from './topic.ts';
import { judge } from './verdict.ts';

const CALM_MS = 2000;
/** From one kill to the next, when the backlog of the last one has drained. */
const BETWEEN_MS = { min: 500, max: 3000 } as const;
const DOWN_MS = { min: 0, max: 3000 } as const;
const PAUSE_MS = 20_000;
const ABSENT_MS = 8000;
/** Cuts that are needed, at most, for one that surely loses an answer. */
const CUTS_MAX = 10;
/** Longer than a client tries again by itself, where connections are refused. */
const GIVES_UP_MS = 5000;
const UNHURT_MS = { min: 0, max: 1000 } as const;
/** Back-off included. */
const SOON_MS = 60_000;
/** So long answers are held back at most, for one to be among them. */
const HELD_MS = 2000;

async function killKafka(site: Site, kills: number): Promise<void> {
  const kafka = await kafkaFor(site, { isOwn: true });
  const shore = await startAll(site, { kafka });
  for (let count = 1; count <= kills; count += 1) {
    await keepsUp(site, shore);
    await systemClock.sleep(between(site, BETWEEN_MS));
    site.say(`kill ${count} of ${kills}`);
    await kafka.broker.kill();
    await systemClock.sleep(between(site, DOWN_MS));
    await kafka.broker.start();
  }
  await keepsUp(site, shore);
  await judge(site, shore);
}

/** Accepts and never answers, for longer than it may before its own cluster counts it as gone. */
async function pauseKafka(site: Site): Promise<void> {
  const kafka = await kafkaFor(site, { isOwn: true });
  const shore = await startAll(site, { kafka });
  await systemClock.sleep(CALM_MS);
  kafka.broker.pause();
  await systemClock.sleep(PAUSE_MS);
  site.say(`stopped for ${PAUSE_MS} ms: ${site.unsettled(shore)} records wait`);
  kafka.broker.resume();
  await keepsUp(site, shore);
  await judge(site, shore);
}

async function startWithoutKafka(site: Site): Promise<void> {
  const kafka = await kafkaFor(site, { isOwn: true });
  const shore = await site.addShore(undefined, { kafka });
  await shore.broker.start();
  await site.startCentre(shore);
  await site.startGateway();
  site.witness.start();
  await systemClock.sleep(ABSENT_MS);
  site.say(`absent: ${site.unsettled(shore)} records wait`);
  await kafka.broker.start();
  await keepsUp(site, shore);
  await judge(site, shore);
}

/**
 * What the broker has stored, and the centre does not hear of: the connection ends while the answer is on its way. As many
 * times as there are to be kills, by what the log itself shows.
 */
async function swallowAnswers(site: Site, swallows: number, client: KafkaClientKind): Promise<void> {
  const kafka = await kafkaFor(site, { client, throughLink: true });
  const shore = await startAll(site, { kafka });
  const topics = new Topics(kafka.broker.address);
  const stored = async (): Promise<number> => await topics.count(recordsTopic(kafka));
  await keepsUp(site, shore);
  let cuts = 0;
  for (let swallowed = 0; swallowed < swallows; cuts += 1) {
    const healed = await stored();
    await eventually('records are stored', SOON_MS, async () => (await stored()) > healed);
    await systemClock.sleep(between(site, UNHURT_MS));
    kafka.link?.freeze('down');
    // What was stored before this count, and is not answered for either, cannot be told apart.
    const before = await stored();
    const endMs = systemClock.monotonicMs() + HELD_MS;
    let after = before;
    while (after === before && systemClock.monotonicMs() < endMs) after = await stored();
    if (after > before) swallowed += 1;
    kafka.link?.cut();
    kafka.link?.thaw();
    // Every other time the client gives up before it can ask again: then it is another send that has to be the same.
    if (cuts % 2 === 1) await systemClock.sleep(GIVES_UP_MS);
    kafka.link?.heal();
    assert(cuts < swallows * CUTS_MAX, `${swallowed} answers were surely lost by ${cuts} cuts`);
  }
  site.say(`${cuts} connections cut, ${swallows} of them surely with an answer for what is stored`);
  await keepsUp(site, shore);
  await judge(site, shore);
}

const needs = ['kafka'];

export const KAFKA: readonly Scenario[] = [
  { name: 'a Kafka that is killed under way costs nothing', needs, run: killKafka },
  { name: 'a Kafka that accepts and does not answer for 20 s costs nothing', needs, run: pauseKafka },
  {
    name: 'a centre that starts while there is no Kafka keeps nothing and loses nothing',
    needs,
    run: startWithoutKafka,
  },
  {
    name: 'whatever kafkajs acknowledges is in the topic, although answers are lost on their way',
    needs,
    run: (site, kills) => swallowAnswers(site, kills, 'kafkajs'),
  },
  {
    name: 'whatever @platformatic/kafka acknowledges is in the topic, although answers are lost on their way',
    needs,
    run: (site, kills) => swallowAnswers(site, kills, 'platformatic'),
  },
];

import type { KafkaClientKind } from '../../central/config/types.ts';
import { systemClock } from '../../runtime/clock.ts';
import { keepsUp } from './backlog.ts';
import { between, kafkaFor, type Scenario, startAll } from './scenario.ts';
import type { Site } from './site.ts';
import { judge } from './verdict.ts';

const CALM_MS = 2000;
/** From one kill to the next, when the backlog of the last one has drained. */
const BETWEEN_MS = { min: 500, max: 3000 } as const;
const DOWN_MS = { min: 0, max: 3000 } as const;
const PAUSE_MS = 20_000;
const ABSENT_MS = 8000;
/** Answers that are lost, each with its connection. */
const SWALLOWED = 15;
/** How long answers are held back before they are lost: long enough for some to be among them, and what they answer is stored. */
const HELD_MS = { min: 50, max: 500 } as const;

async function killKafka(site: Site, kills: number): Promise<void> {
  const kafka = await kafkaFor(site);
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
  const kafka = await kafkaFor(site);
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
  const kafka = await kafkaFor(site);
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

/** What the broker has stored, and the centre does not hear of: the connection ends while the answer is on its way. */
async function swallowAnswers(site: Site, client: KafkaClientKind): Promise<void> {
  const kafka = await kafkaFor(site, { client, throughLink: true });
  const shore = await startAll(site, { kafka });
  for (let count = 1; count <= SWALLOWED; count += 1) {
    await systemClock.sleep(between(site, BETWEEN_MS));
    kafka.link?.freeze('down');
    await systemClock.sleep(between(site, HELD_MS));
    kafka.link?.cut();
    kafka.link?.thaw();
    kafka.link?.heal();
  }
  site.say(`${SWALLOWED} times answers were lost`);
  await keepsUp(site, shore);
  await judge(site, shore);
}

const needs = ['kafka'];

export const KAFKA: readonly Scenario[] = [
  { name: 'a Kafka that is killed under way costs nothing', needs, isSlow: true, run: killKafka },
  { name: 'a Kafka that accepts and does not answer for 20 s costs nothing', needs, run: pauseKafka },
  {
    name: 'a centre that starts while there is no Kafka keeps nothing and loses nothing',
    needs,
    run: startWithoutKafka,
  },
  {
    name: 'whatever kafkajs acknowledges is in the topic, although answers are lost on their way',
    needs,
    run: (site) => swallowAnswers(site, 'kafkajs'),
  },
  {
    name: 'whatever @platformatic/kafka acknowledges is in the topic, although answers are lost on their way',
    needs,
    run: (site) => swallowAnswers(site, 'platformatic'),
  },
];

/**
 * A store that decides and is away, with real programs: what is held costs neither the topic of records nor the wire much
 * more than what is stored at once. `MOORING_OUTAGE_S` says for how long, in seconds; 60 if left out.
 */
import process from 'node:process';
import { afterEach, expect, test } from 'vitest';
import { kafkaFor } from '../faults/scenario.ts';
import { Site } from '../faults/site.ts';
import { StoreSite } from './ack-by-store-site.ts';
import { Cassandra } from './cassandra.ts';

const OUTAGE_MS = Number(process.env.MOORING_OUTAGE_S ?? 60) * 1000;
const COPY_DOWN_MS = 3000;
const AROUND_MS = 1_800_000;
const TOPIC_RATIO_MAX = 1.02;
const WIRE_RATIO_MAX = 1.05;

const closings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
}, AROUND_MS);

function siteOf(name: string, seed: number): Site {
  const say = (text: string): void => void process.stdout.write(`${new Date().toISOString()} ${name}: ${text}\n`);
  const site = new Site({ seed, say });
  closings.push(() => site.close());
  return site;
}

async function cassandra(): Promise<Cassandra> {
  const server = await Cassandra.start();
  closings.push(() => server.stop());
  return server;
}

// The two run side by side, for as long as each other: whatever else the machine does, it does to both.
test('a store that decides and is away frees nothing, and hardly costs more than one that is there', {
  timeout: OUTAGE_MS + AROUND_MS,
}, async () => {
  const [hurt, calm] = [siteOf('outage', 1), siteOf('calm', 2)];
  const kafka = await kafkaFor(hurt);
  await kafka.broker.start();
  const outage = await StoreSite.start(hurt, kafka, await cassandra());
  const without = await StoreSite.start(calm, { ...kafka, prefix: 'calm' }, await cassandra());
  await Promise.all([outage.run(OUTAGE_MS, { outageMs: OUTAGE_MS, copyDownMs: COPY_DOWN_MS }), without.run(OUTAGE_MS)]);
  const [one, other] = [await outage.judge(), await without.judge()];
  const ratio = (of: (cost: typeof one) => number): number => of(one) / one.records / (of(other) / other.records);
  const ratios = { topic: ratio(({ messages }) => messages), wire: ratio(({ up, down }) => up + down) };
  const parts = { up: ratio(({ up }) => up), down: ratio(({ down }) => down) };
  process.stdout.write(`per record, with the outage to without: ${JSON.stringify({ ...ratios, ...parts })}\n`);
  expect(ratios.topic).toBeLessThanOrEqual(TOPIC_RATIO_MAX);
  expect(ratios.wire).toBeLessThanOrEqual(WIRE_RATIO_MAX);
});

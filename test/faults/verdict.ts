import assert from 'node:assert/strict';
import { audit } from '../../cli/audit.ts';
import { parseRecordId } from '../../protocol/ids.ts';
import { systemClock } from '../../runtime/clock.ts';
import { eventually } from '../processes.ts';
import { WITNESS, WITNESS_TICK_MS } from '../witness.ts';
import type { Shore } from './shore.ts';
import { medianRate, readAcks, readSink, recordsFolder, type SinkRecord } from './sink.ts';
import type { Site } from './site.ts';
import { holdTopic, type TopicClaim } from './topic.ts';

/** How long everything may take to reach the sink once the faults are over. */
const DRAIN_MS = 90_000;
/** How long a sink may be behind the log, and the log of acknowledgements behind the sink. */
const BEHIND_MS = 60_000;
/** Between two looks at a sink that is behind: each reads all of it. */
const LOOK_MS = 500;
const RATE_MIN = 200;

/**
 * Ends a scenario: takes the load off, lets everything arrive, and holds the sink to the promise. No holes, no gaps, no
 * duplicates, nothing unsettled, nothing acknowledged and missing; each acknowledgement once; each value of the witness
 * once. Then both programs end cleanly, and it still holds.
 */
export async function judge(site: Site, shore: Shore, topic: TopicClaim = {}): Promise<void> {
  await site.drain([shore], DRAIN_MS);
  await catchUp(site, shore);
  await mustBeClean(site, shore, { unsettled: 0 });
  const records = await readSink(shore);
  mustBeWitnessed(site, records);
  mustBeDeclared(records);
  const rate = medianRate(records);
  assert(rate >= RATE_MIN, `only ${rate} records a second`);
  await mustBeAcked(shore, records);
  if (shore.kafka !== undefined) site.say(await holdTopic(shore, shore.kafka, topic));
  await site.stopLoad();
  await catchUp(site, shore);
  await site.stopCentre(shore);
  await mustBeClean(site, shore, {});
  site.say(`clean: ${records.length} records, ${rate} a second`);
}

/**
 * Resolves when the sink has everything that was acknowledged, or has had its time: with Kafka before it, it may be behind.
 */
export async function catchUp(site: Site, shore: Shore): Promise<void> {
  if (shore.kafka === undefined) return;
  const endMs = systemClock.monotonicMs() + BEHIND_MS;
  while (systemClock.monotonicMs() < endMs) {
    const { runs } = await audit(recordsFolder(shore), { store: site.storePath, forwarder: shore.name });
    if (runs.every((run) => run.acked_but_missing === 0)) return;
    await systemClock.sleep(LOOK_MS);
  }
}

/** The audit of the sink. What a gateway has written while it ended may still be unsettled. */
export async function mustBeClean(site: Site, shore: Shore, wanted: { readonly unsettled?: 0 }): Promise<void> {
  const report = await audit(recordsFolder(shore), { store: site.storePath, forwarder: shore.name });
  assert(report.runs.length > 0, 'there are runs to judge');
  for (const { run, gateway, first, last, records, unsettled, ...faults } of report.runs) {
    assert.deepEqual(faults, { holes: [], duplicates: 0, gaps: [], acked_but_missing: 0 }, `run ${run} of ${gateway}`);
    if (wanted.unsettled === undefined) continue;
    assert.deepEqual({ first, last: records, unsettled }, { first: 1, last, unsettled: 0 }, `run ${run} is whole`);
  }
  assert.deepEqual({ ok: report.ok, foreign: report.foreign, unfinished: report.unfinished }, CLEAN);
}

const CLEAN = { ok: true, foreign: 0, unfinished: [] } as const;

function mustBeWitnessed(site: Site, records: readonly SinkRecord[]): void {
  const ticks = records
    .filter(({ kind, station }) => kind === 'sample' && station === WITNESS.station)
    .map(({ id, timestamp, [WITNESS.metric]: value }) => {
      const tick = { run: runOf(id), atMs: Date.parse(timestamp) };
      return typeof value === 'number' ? { ...tick, value } : tick;
    });
  const { fed, excused, overtaken, ...faults } = site.witness.testify(ticks);
  assert(fed > 0, 'the witness was asked');
  assert.deepEqual(faults, { lost: [], repeated: [], invented: [] }, 'what the witness knows is in the sink, once');
  site.say(`witness: ${fed} values, ${excused} lost in downtimes, ${overtaken} while the process stood still`);
}

/**
 * What the witness's station lacks of ticks, the gateway has told: holds for the newest run, which was stopped and not
 * killed.
 */
function mustBeDeclared(records: readonly SinkRecord[]): void {
  const ofStation = records.filter(({ station }) => station === WITNESS.station);
  const samples = ofStation.filter(({ kind }) => kind === 'sample');
  const newest = samples.reduce((a, b) => (a.timestamp > b.timestamp ? a : b));
  const isOfRun = ({ id }: SinkRecord): boolean => runOf(id) === runOf(newest.id);
  const times = samples.filter(isOfRun).map(({ timestamp }) => Date.parse(timestamp));
  times.sort((a, b) => a - b);
  const missing = times.reduce((sum, atMs, index) => {
    const sinceMs = atMs - (times[index - 1] ?? atMs);
    return sum + Math.max(0, Math.round(sinceMs / WITNESS_TICK_MS) - 1);
  }, 0);
  const declared = ofStation
    .filter((record) => isOfRun(record) && record.info?.event === 'ticks_missed')
    .reduce((sum, { info }) => sum + Number(info?.count), 0);
  assert(declared >= missing, `${missing} ticks are missing, and the gateway told of ${declared}`);
}

function runOf(id: string): string {
  return parseRecordId(id)?.run ?? '';
}

async function mustBeAcked(shore: Shore, records: readonly SinkRecord[]): Promise<void> {
  const acks = await eventually('every acknowledgement is in its log', BEHIND_MS, () => {
    const lines = readAcks(shore);
    return lines.length >= records.length && lines;
  });
  const ids = new Set(records.map(({ id }) => id));
  assert.equal(acks.length, ids.size, 'an acknowledgement a record');
  assert(
    acks.every((id) => ids.delete(id)),
    'each once, and only for what is in the sink',
  );
}

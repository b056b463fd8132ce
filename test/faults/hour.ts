import assert from 'node:assert/strict';
import type { Reading } from '../../drivers/driver.ts';
import { systemClock } from '../../runtime/clock.ts';
import { NmeaListener } from '../nmea-listener.ts';
import { openPty, type Pty } from '../pty.ts';
import { type Burst, recordedHour } from '../recorded-hour.ts';
import { kafkaFor, type Scenario } from './scenario.ts';
import type { Shore } from './shore.ts';
import { readSink, type SinkRecord } from './sink.ts';
import type { Site } from './site.ts';
import { catchUp, mustBeClean } from './verdict.ts';

const PLAY_S = 120;
const STATION = 'boat';
const DRAIN_MS = 30_000;
/** Said by every burst of the recording that says anything of it, at most once. */
const METRICS = ['depth', 'apparent_wind_speed', 'speed_over_ground', 'wind_speed'] as const;

/** Two minutes of the recorded hour at their own pace, from a serial line to the files of each shore. */
async function playTwoMinutes(site: Site, shores: readonly Shore[]): Promise<void> {
  for (const shore of shores) {
    await shore.broker.start();
    await site.startCentre(shore);
  }
  const pty = openPty();
  try {
    const port = { driver: 'nmea0183', port: pty.path, baud: 4800 };
    await site.startGatewayWith([{ name: STATION, every: '1s', location: 'gps', sensors: [port] }]);
    const bursts = recordedHour().filter(({ second }) => second <= PLAY_S);
    await play(pty, bursts);
    await systemClock.sleep(2000);
    await site.drain(shores, DRAIN_MS);
    for (const shore of shores) await mustHaveAll(site, shore, bursts);
    await site.stopLoad();
    for (const shore of shores) {
      await catchUp(site, shore);
      await site.stopCentre(shore);
      await mustBeClean(site, shore, {});
    }
  } finally {
    pty.close();
  }
}

async function mustHaveAll(site: Site, shore: Shore, bursts: readonly Burst[]): Promise<void> {
  await catchUp(site, shore);
  await mustBeClean(site, shore, { unsettled: 0 });
  const records = (await readSink(shore)).filter(({ station, kind }) => station === STATION && kind === 'sample');
  mustBeOneASecond(records);
  mustHoldEachBurst(records, bursts);
  site.say(`${shore.name}, clean: ${records.length} seconds, ${bursts.length} bursts of sentences`);
}

/** The same records go two ways at once, each to a log and a sink of its own. */
async function playBothWays(site: Site): Promise<void> {
  const kafka = await kafkaFor(site);
  await kafka.broker.start();
  const wired = await site.addShore('wired', { kafka: { ...kafka, prefix: `${kafka.prefix}-wired` } });
  const radio = await site.addShore('radio', { way: 'udp', kafka: { ...kafka, prefix: `${kafka.prefix}-radio` } });
  await playTwoMinutes(site, [wired, radio]);
}

async function play(pty: Pty, bursts: readonly Burst[]): Promise<void> {
  const startMs = systemClock.monotonicMs();
  for (const { second, lines } of bursts) {
    await systemClock.sleep(startMs + second * 1000 - systemClock.monotonicMs());
    await pty.write(lines.map((line) => `${line}\r\n`).join(''));
  }
}

function mustBeOneASecond(records: readonly SinkRecord[]): void {
  const seconds = records.map(({ timestamp }) => Date.parse(timestamp) / 1000).sort((a, b) => a - b);
  const [first = 0] = seconds;
  assert(seconds.length >= PLAY_S, `only ${seconds.length} records`);
  // The last one is of the part of a second in which the gateway was told to stop.
  const ticks = seconds.filter((second) => second <= first + PLAY_S);
  const wanted = Array.from({ length: PLAY_S + 1 }, (_, index) => first + index);
  assert.equal(ticks.join(' '), wanted.join(' '), 'one record a second, at its second');
}

/** What each burst says of a metric stands in one record. */
function mustHoldEachBurst(records: readonly SinkRecord[], bursts: readonly Burst[]): void {
  const listener = new NmeaListener();
  const said = bursts.map(({ lines }) =>
    lines.map((line) => listener.read(line)).filter((reading) => reading !== undefined),
  );
  const gives = (readings: readonly Reading[], metric: string): boolean =>
    readings.some(({ metrics }) => Object.hasOwn(metrics, metric));
  for (const metric of METRICS) {
    const wanted = said.filter((readings) => gives(readings, metric)).length;
    assert(wanted > 0, `${metric} is in the recording`);
    assert.equal(records.filter((record) => record[metric] !== undefined).length, wanted, `each ${metric}, once`);
  }
}

export const HOUR: Scenario = {
  name: 'two minutes of a recorded hour, from a serial line through a real Mosquitto to a file: one record a second',
  isQuiet: true,
  run: async (site) => await playTwoMinutes(site, [await site.addShore()]),
};

export const HOUR_BOTH_WAYS: Scenario = {
  name: 'the same two minutes over Mosquitto and over UDP, through Kafka to files: one record a second in each',
  needs: ['kafka'],
  isQuiet: true,
  run: playBothWays,
};

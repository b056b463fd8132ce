import { expect, test } from 'vitest';
import { AlarmStage, actuatorOf, alarmOf, type StageSettings } from '../../test/alarm-stage.ts';
import { LogLines } from '../../test/log-lines.ts';

const ABOVE = { kind: 'above', limit: 40, clear: 38 } as const;
const HOT: StageSettings = { alarms: [alarmOf(ABOVE)] };
const stateOf = (stage: AlarmStage): unknown => stage.alarms.status().alarms[0]?.state;

/** Pulls the plug: what has not reached the disk is gone, and nobody says goodbye. */
async function powerCut(stage: AlarmStage, settings: StageSettings, afterMs: number = 0): Promise<void> {
  await stage.clock.advance(afterMs);
  stage.records.length = 0;
  await stage.startAgain(settings);
}

test('what was raised stands and sounds again, without a second record; the first value decides', async () => {
  const stage = await AlarmStage.start(HOT);
  stage.sample(41);
  await powerCut(stage, HOT, 1000);
  expect([stateOf(stage), stage.output().plays, stage.events()]).toEqual(['raised', true, []]);
  stage.sample(42);
  expect([stateOf(stage), stage.events()]).toEqual(['raised', []]);
  await powerCut(stage, HOT, 1000);
  stage.sample('missing');
  expect(stateOf(stage)).toBe('raised');
  stage.sample(20);
  expect([stateOf(stage), stage.output().plays, stage.events()]).toEqual(['normal', false, ['cleared']]);
  await powerCut(stage, HOT, 1000);
  expect(stateOf(stage)).toBe('normal');
});

test('latched and acknowledged come back', async () => {
  const latching = { alarms: [alarmOf(ABOVE, { isLatched: true }), alarmOf(ABOVE, { name: 'known' })] };
  const stage = await AlarmStage.start(latching);
  stage.sample(41);
  stage.alarms.acknowledge({ alarm: 'known' });
  await stage.clock.advance(0);
  await powerCut(stage, latching);
  expect(stage.alarms.status().alarms.map(({ state }) => state)).toEqual(['raised', 'acknowledged']);
  stage.sample(20);
  expect(stage.alarms.status().alarms.map(({ state }) => state)).toEqual(['latched', 'normal']);
  await powerCut(stage, latching, 1);
  expect([stateOf(stage), stage.output().plays]).toEqual(['latched', true]);
  stage.alarms.acknowledge({});
  expect(stage.events()).toEqual(['acknowledged', 'cleared']);
});

test('what was latched and latches no more, by another configuration, is cleared by the first value that is well', async () => {
  const stage = await AlarmStage.start({ alarms: [alarmOf(ABOVE, { isLatched: true })] });
  stage.sample(41);
  stage.sample(20);
  await powerCut(stage, HOT, 1);
  expect([stateOf(stage), stage.output().plays]).toEqual(['raised', true]);
  stage.sample(39);
  expect(stateOf(stage)).toBe('raised');
  stage.sample(20);
  expect([stateOf(stage), stage.output().plays, stage.events()]).toEqual(['normal', false, ['cleared']]);
});

test('a silence goes on with what was left of it, to half a minute', async () => {
  const stage = await AlarmStage.start(HOT);
  stage.sample(41);
  stage.alarms.silence({});
  await powerCut(stage, HOT, 5 * 60_000 + 29_000);
  const left = stage.alarms.status().alarms[0]?.silenced_s ?? 0;
  expect(left).toBeGreaterThanOrEqual(271);
  expect(left).toBeLessThanOrEqual(301);
  expect(stage.output().plays).toBe(false);
  await stage.clock.advance(left * 1000);
  expect([stage.output().plays, stage.events()]).toEqual([true, ['unsilenced']]);
});

test('a stopped gateway keeps it to the millisecond', async () => {
  const stage = await AlarmStage.start(HOT);
  stage.sample(41);
  stage.alarms.silence({});
  await stage.clock.advance(100_001);
  await stage.alarms.stop();
  await powerCut(stage, HOT, 3_600_000);
  expect(stage.alarms.status().alarms[0]?.silenced_s).toBe(499.999);
});

test('escalation goes on where it was, and no step is told twice', async () => {
  const settings = {
    alarms: [
      alarmOf(ABOVE, {
        escalation: [
          { afterMs: 60_000, actuators: ['siren'] },
          { afterMs: 300_000, actuators: ['lamp'] },
        ],
      }),
    ],
    actuators: ['buzzer', 'siren', 'lamp'].map((name) => actuatorOf(name)),
  };
  const stage = await AlarmStage.start(settings);
  stage.sample(41);
  await powerCut(stage, settings, 240_000);
  expect(['buzzer', 'siren', 'lamp'].map((name) => stage.output(name).plays)).toEqual([true, true, false]);
  await stage.clock.advance(90_000);
  expect([stage.output('lamp').plays, stage.events()]).toEqual([true, ['escalated']]);
});

test('what has stood for being stale or for a change does not end before there is something to tell it by', async () => {
  const settings = {
    alarms: [
      alarmOf({ kind: 'stale', forMs: 60_000 }, { name: 'silent' }),
      alarmOf({ kind: 'falls', by: 3, withinMs: 600_000 }, { name: 'squall' }),
    ],
  };
  const states = (): string[] => stage.alarms.status().alarms.map(({ state }) => state);
  const stage = await AlarmStage.start(settings);
  stage.sample(1010);
  stage.sample(1000);
  await powerCut(stage, settings, 60_000);
  expect(states()).toEqual(['raised', 'raised']);
  await stage.clock.advance(30_000);
  expect(states()).toEqual(['raised', 'raised']);
  stage.sample(1000);
  expect(states()).toEqual(['normal', 'raised']);
  await stage.clock.advance(600_000);
  stage.sample(1000);
  expect(states()).toEqual(['raised', 'normal'].with(0, 'normal'));
});

test('an alarm that has left the configuration is cleared with a record that says why', async () => {
  const stage = await AlarmStage.start({
    alarms: [alarmOf(ABOVE), alarmOf(ABOVE, { name: 'old', level: 'critical' })],
  });
  stage.sample(41);
  const log = new LogLines();
  await powerCut(stage, { ...HOT, log }, 1);
  expect(stage.records.map(({ station, kind, info }) => ({ station, kind, info }))).toEqual([
    {
      station: 'buoy',
      kind: 'alarm',
      info: { event: 'cleared', alarm: 'old', level: 'critical', reason: 'not_configured' },
    },
  ]);
  expect(log.told).toEqual(['warn: an alarm that stood is in the configuration no more']);
  await powerCut(stage, HOT, 60_000);
  expect(stage.events()).toEqual([]);
});

test.each([
  ['no mapping', 7],
  ['another version', { version: 2, alarms: [] }],
  ['an alarm that is none', { version: 1, alarms: [{ alarm: 'hot' }] }],
  [
    'a name that no record takes',
    {
      version: 1,
      alarms: [
        {
          alarm: '../x',
          station: 'buoy',
          level: 'info',
          isActive: true,
          isAcknowledged: false,
          stoodMs: 0,
          silencedMs: 0,
          escalated: 0,
        },
      ],
    },
  ],
  [
    'a negative time',
    {
      version: 1,
      alarms: [
        {
          alarm: 'hot',
          station: 'buoy',
          level: 'info',
          isActive: true,
          isAcknowledged: false,
          stoodMs: -1,
          silencedMs: 0,
          escalated: 0,
        },
      ],
    },
  ],
  [
    'a silence without end',
    {
      version: 1,
      alarms: [
        {
          alarm: 'hot',
          station: 'buoy',
          level: 'info',
          isActive: true,
          isAcknowledged: false,
          stoodMs: 0,
          silencedMs: Infinity,
          escalated: 0,
        },
      ],
    },
  ],
])('a file that is damaged, %s, is logged, and all start anew', async (_, value) => {
  const log = new LogLines();
  const stage = new AlarmStage({ ...HOT, log });
  stage.file.value = value;
  await stage.alarms.start();
  expect([stateOf(stage), log.told]).toEqual(['normal', ['warn: the state of the alarms is damaged: all start anew']]);
  stage.sample(41);
  expect(stage.output().plays).toBe(true);
});

test('a disk that cannot be read, or does not answer, keeps no alarm from starting', async () => {
  const log = new LogLines();
  const stage = new AlarmStage({ ...HOT, log });
  stage.file.load = async () => await new Promise<never>(() => undefined);
  const started = stage.alarms.start();
  await stage.clock.advance(5000);
  await started;
  stage.sample(41);
  expect([stage.output().plays, toldOfState(log)]).toEqual([
    true,
    ['warn: the state of the alarms is not there yet: all start anew until it is'],
  ]);
});

test('what stood comes back from a disk that answers late, is not written over before, and changes nothing that is new', async () => {
  const settings = {
    alarms: [
      alarmOf(ABOVE, { isLatched: true, actuators: ['lamp'] }),
      alarmOf({ kind: 'below', limit: 0, clear: 0 }, { name: 'cold' }),
      alarmOf({ kind: 'stale', forMs: 3000 }, { name: 'silent', actuators: [] }),
    ],
    actuators: ['buzzer', 'lamp'].map((name) => actuatorOf(name)),
  };
  const first = await AlarmStage.start(settings);
  first.sample(41);
  first.sample(-5);
  first.alarms.acknowledge({ alarm: 'cold' });
  await first.clock.advance(0);
  const stage = new AlarmStage(settings);
  stage.file.value = first.file.value;
  const answer = Promise.withResolvers<void>();
  const load = async (): Promise<unknown> => {
    await answer.promise;
    return stage.file.value;
  };
  stage.file.load = load;
  const started = stage.alarms.start();
  await stage.clock.advance(5000);
  await started;
  const states = (): string[] => stage.alarms.status().alarms.map(({ state }) => state);
  expect(states()).toEqual(['normal', 'normal', 'normal']);
  stage.sample(-5);
  await stage.clock.advance(1000);
  expect([states(), stage.file.saves]).toEqual([['normal', 'raised', 'normal'], 0]);
  answer.resolve();
  await stage.clock.advance(0);
  expect([states(), stage.output('lamp').plays]).toEqual([['latched', 'raised', 'normal'], true]);
  expect([stage.events(), stage.file.saves > 0]).toEqual([['raised'], true]);
});

test('a disk that takes nothing is told once, and has the state when it takes something again', async () => {
  const log = new LogLines();
  const stage = await AlarmStage.start({ ...HOT, log });
  stage.file.trouble = new Error('no space');
  for (let round = 0; round < 5; round += 1) {
    stage.sample(41);
    stage.sample(0);
    await stage.clock.advance(20_000);
  }
  stage.sample(41);
  stage.file.trouble = undefined;
  await stage.clock.advance(10_000);
  expect(toldOfState(log)).toEqual([
    'warn: the state of the alarms cannot be written',
    'info: the state of the alarms is written again',
  ]);
  expect(stage.file.value).toMatchObject({ alarms: [{ alarm: 'hot', isActive: true }] });
});

test('a disk that never answers a write holds up no alarm, gathers no writes, and delays the end by seconds only', async () => {
  const stage = await AlarmStage.start(HOT);
  let writes = 0;
  stage.file.save = async () => {
    writes += 1;
    await new Promise<never>(() => undefined);
  };
  for (let round = 0; round < 1000; round += 1) {
    stage.sample(41);
    expect(stage.output().plays).toBe(true);
    stage.sample(0);
  }
  await stage.clock.advance(0);
  expect(writes).toBe(1);
  const stopped = stage.alarms.stop();
  await stage.clock.advance(5000);
  await stopped;
});

/** The lines about what is kept, without those about alarms. */
function toldOfState(log: LogLines): string[] {
  return log.told.filter((line) => line.includes('the state of the alarms'));
}

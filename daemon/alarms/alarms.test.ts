import { expect, test } from 'vitest';
import type { Observation } from '../../protocol/record.ts';
import { AlarmStage, actuatorOf, alarmOf, type StageSettings, sampleOf } from '../../test/alarm-stage.ts';

const ABOVE = { kind: 'above', limit: 40, clear: 38 } as const;
const HOT: StageSettings = { alarms: [alarmOf(ABOVE)] };
const stateOf = (stage: AlarmStage): unknown => stage.alarms.status().alarms[0]?.state;

test('a raised alarm is a record of its station, with level, value and limit; so is its end', async () => {
  const stage = await AlarmStage.start({ alarms: [alarmOf(ABOVE, { level: 'critical' })] });
  stage.sample(41.5);
  stage.sample(38);
  const label = {
    station: 'buoy',
    kind: 'alarm',
    timestampMs: Date.UTC(2026, 0, 1),
    clock: 'synced',
    metrics: {},
    flags: {},
  };
  const terms = { alarm: 'hot', level: 'critical', metric: 'temperature', limit: 40 };
  expect(stage.records).toEqual([
    { ...label, info: { event: 'raised', ...terms, value: 41.5 } },
    { ...label, info: { event: 'cleared', ...terms, value: 38 } },
  ]);
});

test('the actuator has been told before the record is made, and the file is written after both', async () => {
  const stage = new AlarmStage(HOT);
  const told: string[] = [];
  await stage.alarms.start();
  const { output, file } = { output: stage.output(), file: stage.file };
  stage.records.push = (observation: Observation) => {
    told.push(`${String(observation.info?.event)}, ${output.told.at(-1)?.what}, ${file.saves} saved`);
    return 0;
  };
  stage.sample(41);
  stage.sample(0);
  expect(told).toEqual(['raised, play, 0 saved', 'cleared, rest, 0 saved']);
  await stage.clock.advance(0);
  expect(stage.file.saves).toBeGreaterThan(0);
});

test('of several alarms of one sample the most urgent is told first', async () => {
  const alarms = (['info', 'critical', 'warning'] as const).map((level) =>
    alarmOf(ABOVE, { name: level, level, actuators: [level] }),
  );
  const stage = new AlarmStage({ alarms, actuators: alarms.map(({ name }) => actuatorOf(name)) });
  await stage.alarms.start();
  const order: string[] = [];
  for (const { name } of alarms) stage.output(name).told.push = () => order.push(name);
  stage.sample(41);
  expect(order).toEqual(['critical', 'warning', 'info']);
});

test('an alarm is one for each of its stations, and samples of others do not touch it', async () => {
  const stage = await AlarmStage.start({ alarms: [alarmOf(ABOVE, { stations: ['buoy', 'mast'] })] });
  stage.alarms.sampled({ ...sampleOf({ temperature: 41 }), station: 'mast' });
  stage.alarms.sampled({ ...sampleOf({ temperature: 41 }), station: 'pier' });
  expect(stage.alarms.status().alarms.map(({ station, state }) => `${station} ${state}`)).toEqual([
    'buoy normal',
    'mast raised',
  ]);
});

test('a metric that is not in a sample was not due, and changes nothing', async () => {
  const stage = await AlarmStage.start(HOT);
  stage.sample(41);
  stage.alarms.sampled(sampleOf({ humidity: 10 }));
  expect(stateOf(stage)).toBe('raised');
});

test('what is missing neither raises nor clears, and a value that failed its quality tests still raises', async () => {
  const stage = await AlarmStage.start(HOT);
  stage.sample('missing');
  expect(stateOf(stage)).toBe('normal');
  stage.sample(300, 4);
  expect(stage.records[0]?.info).toMatchObject({ event: 'raised', value: 300, flag: 4 });
  stage.sample('missing');
  expect(stateOf(stage)).toBe('raised');
});

test('use: good takes what is suspect or fails for missing, and what was not evaluated for good', async () => {
  const stage = await AlarmStage.start({ alarms: [alarmOf(ABOVE, { isForGoodOnly: true })] });
  stage.sample(300, 3);
  expect(stateOf(stage)).toBe('normal');
  stage.sample(300, 2);
  expect(stateOf(stage)).toBe('raised');
  stage.sample(0, 4);
  expect(stateOf(stage)).toBe('raised');
});

test('an on-delay ends by itself, without a further sample; not while the value is missing', async () => {
  const stage = await AlarmStage.start({ alarms: [alarmOf(ABOVE, { afterMs: 10_000 })] });
  stage.sample(41);
  expect(stateOf(stage)).toBe('pending');
  await stage.clock.advance(9999);
  expect(stage.output().plays).toBe(false);
  await stage.clock.advance(1);
  expect(stage.output().plays).toBe(true);
  stage.sample(0);
  stage.sample(41);
  stage.sample('missing');
  await stage.clock.advance(20_000);
  expect(stateOf(stage)).toBe('pending');
  stage.sample(41);
  expect(stateOf(stage)).toBe('raised');
});

test('a value that is back at the limit ends an on-delay, one that is above `clear` ends an off-delay', async () => {
  const stage = await AlarmStage.start({ alarms: [alarmOf(ABOVE, { afterMs: 2000, clearAfterMs: 2000 })] });
  stage.sample(41);
  await stage.clock.advance(1000);
  stage.sample(39);
  await stage.clock.advance(5000);
  expect(stateOf(stage)).toBe('normal');
  stage.sample(41);
  await stage.clock.advance(2000);
  stage.sample(38);
  await stage.clock.advance(1000);
  stage.sample(39);
  await stage.clock.advance(5000);
  expect(stateOf(stage)).toBe('raised');
  stage.sample(38);
  await stage.clock.advance(2000);
  expect(stateOf(stage)).toBe('normal');
});

test('a clock that jumps by years, forwards and back, fires and ends nothing', async () => {
  const YEAR_MS = 365 * 86_400_000;
  const stage = await AlarmStage.start({
    alarms: [
      alarmOf({ kind: 'stale', forMs: 60_000 }, { name: 'silent' }),
      alarmOf(ABOVE, { afterMs: 10_000, silenceMs: 10_000, escalation: [{ afterMs: 60_000, actuators: ['buzzer'] }] }),
      alarmOf({ kind: 'falls', by: 3, withinMs: 3_600_000 }, { name: 'squall' }),
    ],
  });
  stage.sample(41);
  stage.clock.jumpWall(10 * YEAR_MS);
  stage.sample(41);
  await stage.clock.advance(9000);
  stage.clock.jumpWall(-20 * YEAR_MS);
  stage.sample(41);
  expect(stage.events()).toEqual([]);
  await stage.clock.advance(1000);
  expect(stage.events()).toEqual(['raised']);
  stage.alarms.silence({});
  stage.clock.jumpWall(5 * YEAR_MS);
  stage.sample(41);
  await stage.clock.advance(9999);
  expect(stage.events()).toEqual(['silenced']);
  await stage.clock.advance(1);
  expect(stage.events()).toEqual(['unsilenced']);
});

test('a process that stood still for hours fires what is due once, late', async () => {
  const stage = await AlarmStage.start({ alarms: [alarmOf({ kind: 'stale', forMs: 60_000 })] });
  stage.sample(1);
  stage.clock.stall(5 * 3_600_000);
  await stage.clock.advance(0);
  expect(stage.events()).toEqual(['raised']);
  stage.sample(1);
  expect(stage.events()).toEqual(['cleared']);
});

test('many samples make one timer, not one each', async () => {
  const stage = await AlarmStage.start({ alarms: [alarmOf({ kind: 'stale', forMs: 60_000 }), alarmOf(ABOVE)] });
  for (let second = 0; second < 200; second += 1) {
    stage.sample(41);
    stage.sample(0);
    await stage.clock.advance(100);
  }
  expect(stage.clock.pendingTimers).toBe(1);
  await stage.alarms.stop();
  expect(stage.clock.pendingTimers).toBe(0);
});

test('latched: it stands and sounds though the condition is gone, and an acknowledgement clears it', async () => {
  const stage = await AlarmStage.start({ alarms: [alarmOf(ABOVE, { isLatched: true })] });
  stage.sample(41);
  stage.sample(0);
  expect([stateOf(stage), stage.output().plays]).toEqual(['latched', true]);
  stage.sample(41);
  expect([stateOf(stage), stage.events()]).toEqual(['raised', ['raised']]);
  stage.sample(0);
  expect(stage.alarms.acknowledge({ alarm: 'hot' })).toBe(1);
  expect([stateOf(stage), stage.output().plays, stage.events()]).toEqual([
    'normal',
    false,
    ['acknowledged', 'cleared'],
  ]);
});

test('acknowledged while the condition holds: it is quiet, stands until it is gone, and the next one sounds', async () => {
  const stage = await AlarmStage.start(HOT);
  stage.sample(41);
  expect([stage.alarms.acknowledge({}), stage.alarms.acknowledge({})]).toEqual([1, 0]);
  stage.sample(45);
  expect([stateOf(stage), stage.output().plays]).toEqual(['acknowledged', false]);
  stage.sample(0);
  stage.sample(41);
  expect([stage.events(), stage.output().plays]).toEqual([['raised', 'acknowledged', 'cleared', 'raised'], true]);
});

test('silenced: quiet for its time, then it sounds again by itself; the time that is said wins over its own', async () => {
  const stage = await AlarmStage.start(HOT);
  expect(stage.alarms.silence({})).toBe(0);
  stage.sample(41);
  expect(stage.alarms.silence({ alarm: 'hot', forMs: 5000 })).toBe(1);
  expect(stage.alarms.status().alarms[0]).toMatchObject({ state: 'raised', silenced_s: 5 });
  await stage.clock.advance(4999);
  expect(stage.output().plays).toBe(false);
  await stage.clock.advance(1);
  expect(stage.output().plays).toBe(true);
  stage.alarms.silence({});
  await stage.clock.advance(599_999);
  expect(stage.output().plays).toBe(false);
  await stage.clock.advance(1);
  expect(stage.events()).toEqual(['raised', 'silenced', 'unsilenced', 'silenced', 'unsilenced']);
});

test('a silence ends with its alarm: when it is raised again it sounds at once', async () => {
  const stage = await AlarmStage.start(HOT);
  stage.sample(41);
  stage.alarms.silence({});
  stage.sample(0);
  stage.sample(41);
  expect([stage.output().plays, stage.events()]).toEqual([true, ['raised', 'silenced', 'cleared', 'raised']]);
});

test('nobody silences anything for longer than a day', async () => {
  const stage = await AlarmStage.start(HOT);
  stage.sample(41);
  stage.alarms.silence({ forMs: 1e12 });
  expect(stage.alarms.status().alarms[0]?.silenced_s).toBe(86_400);
});

test('steps of an escalation that come due together, behind a silence, are a record each', async () => {
  const escalation = [60_000, 120_000].map((afterMs) => ({ afterMs, actuators: ['siren'] }));
  const stage = await AlarmStage.start({
    alarms: [alarmOf(ABOVE, { escalation })],
    actuators: ['buzzer', 'siren'].map((name) => actuatorOf(name)),
  });
  stage.sample(41);
  stage.alarms.silence({ forMs: 300_000 });
  await stage.clock.advance(300_000);
  expect(stage.records.flatMap(({ info }) => info?.step ?? [])).toEqual([1, 2]);
});

test('escalation: more actuators as long as nobody acknowledges; a silence hushes them too, and its end brings them on', async () => {
  const escalation = [{ afterMs: 300_000, actuators: ['siren'] }];
  const stage = await AlarmStage.start({
    alarms: [alarmOf(ABOVE, { escalation, silenceMs: 60_000 })],
    actuators: [actuatorOf('buzzer'), actuatorOf('siren')],
  });
  stage.sample(41);
  await stage.clock.advance(299_000);
  stage.alarms.silence({});
  await stage.clock.advance(59_999);
  expect(stage.output('siren').plays).toBe(false);
  await stage.clock.advance(1);
  expect([stage.output('siren').plays, stage.output('buzzer').plays]).toEqual([true, true]);
  expect(stage.events()).toEqual(['raised', 'silenced', 'unsilenced', 'escalated']);
  stage.alarms.acknowledge({});
  expect([stage.output('siren').plays, stage.output('buzzer').plays]).toEqual([false, false]);
});

test('only the alarms that are meant are acknowledged or silenced', async () => {
  const alarms = [alarmOf(ABOVE, { stations: ['buoy', 'mast'] }), alarmOf(ABOVE, { name: 'hotter' })];
  const stage = await AlarmStage.start({ alarms });
  stage.sample(41);
  stage.alarms.sampled({ ...sampleOf({ temperature: 41 }), station: 'mast' });
  expect(stage.alarms.acknowledge({ alarm: 'hot', station: 'mast' })).toBe(1);
  expect(stage.alarms.silence({ alarm: 'hot' })).toBe(1);
  expect(stage.alarms.has({ alarm: 'hot', station: 'pier' })).toBe(false);
  expect(stage.alarms.status().alarms.map(({ state, silenced_s }) => [state, silenced_s])).toEqual([
    ['raised', 600],
    ['acknowledged', undefined],
    ['raised', undefined],
  ]);
});

test('a combination tells the values of all its metrics', async () => {
  const tests = [
    { metric: 'temperature', test: ABOVE },
    { metric: 'pressure', test: { kind: 'below', limit: 990, clear: 993 } as const },
  ];
  const stage = await AlarmStage.start({ alarms: [alarmOf(ABOVE, { condition: { when: 'all', tests } })] });
  stage.sample(41);
  stage.alarms.sampled(sampleOf({ pressure: 980 }));
  expect(stage.records.map(({ info }) => info)).toEqual([
    { event: 'raised', alarm: 'hot', level: 'warning', values: { temperature: 41, pressure: 980 } },
  ]);
});

test('an hour of samples keeps the file still unless something happens or counts down', async () => {
  const stage = await AlarmStage.start({ alarms: [alarmOf(ABOVE, { silenceMs: 80_000 })] });
  stage.sample(41);
  await stage.clock.advance(3_600_000);
  expect(stage.file.saves).toBe(1);
  stage.alarms.silence({});
  await stage.clock.advance(3_600_000);
  expect(stage.file.saves).toBe(1 + 1 + 2 + 1);
});

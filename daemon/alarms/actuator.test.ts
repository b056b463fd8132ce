import { expect, test } from 'vitest';
import { AlarmStage, actuatorOf, alarmOf, sampleOf } from '../../test/alarm-stage.ts';
import type { AlarmSettings } from './settings.ts';

const ABOVE = { kind: 'above', limit: 40, clear: 38 } as const;
const on = (metric: string, settings: Partial<AlarmSettings>): AlarmSettings =>
  alarmOf(ABOVE, { name: metric, condition: { when: 'all', tests: [{ metric, test: ABOVE }] }, ...settings });
const told = (stage: AlarmStage, name?: string): unknown[] =>
  stage
    .output(name)
    .told.splice(0)
    .map(({ what, pattern, limitMs }) =>
      what === 'rest' ? 'rest' : limitMs === undefined ? pattern : [pattern, limitMs],
    );

test('an actuator that several alarms want plays the pattern of the most urgent, and rests with the last', async () => {
  const alarms = [on('a', { level: 'warning' }), on('b', { level: 'critical' }), on('c', { level: 'info' })];
  const stage = await AlarmStage.start({ alarms });
  stage.alarms.sampled(sampleOf({ a: 41 }));
  stage.alarms.sampled(sampleOf({ b: 41 }));
  stage.alarms.sampled(sampleOf({ c: 41 }));
  expect(told(stage)).toEqual([
    [200, 800],
    [500, 500],
    [500, 500],
  ]);
  stage.alarms.sampled(sampleOf({ b: 0 }));
  expect(told(stage)).toEqual([[200, 800]]);
  stage.alarms.sampled(sampleOf({ c: 0 }));
  expect(told(stage)).toEqual([]);
  stage.alarms.sampled(sampleOf({ a: 0 }));
  expect(told(stage)).toEqual(['rest']);
});

test('after its limit it rests though the alarm stands; another alarm starts it anew, the end of one does not', async () => {
  const alarms = [on('a', { level: 'warning' }), on('b', { level: 'critical' })];
  const stage = await AlarmStage.start({ alarms, actuators: [actuatorOf('buzzer', { limitMs: 60_000 })] });
  stage.alarms.sampled(sampleOf({ a: 41 }));
  await stage.clock.advance(60_000);
  expect([stage.output().plays, stage.alarms.status().actuators[0]?.state]).toEqual([false, 'limited']);
  stage.alarms.sampled(sampleOf({ b: 41 }));
  expect(told(stage)).toEqual([
    [[200, 800], 60_000],
    [[500, 500], 60_000],
  ]);
  await stage.clock.advance(20_000);
  stage.alarms.sampled(sampleOf({ b: 0 }));
  expect(told(stage)).toEqual([[[200, 800], 40_000]]);
  await stage.clock.advance(40_000);
  stage.alarms.sampled(sampleOf({ b: 41 }));
  await stage.clock.advance(60_000);
  stage.alarms.sampled(sampleOf({ b: 0 }));
  expect(told(stage)).toEqual([[[500, 500], 60_000]]);
  expect(stage.alarms.status().actuators).toEqual([{ actuator: 'buzzer', state: 'limited' }]);
  stage.alarms.sampled(sampleOf({ a: 0 }));
  expect(stage.alarms.status().actuators).toEqual([{ actuator: 'buzzer', state: 'rests' }]);
});

test('one that is lost is told once and opened again, and plays what is left of its time', async () => {
  const stage = await AlarmStage.start({
    alarms: [on('a', {})],
    actuators: [actuatorOf('buzzer', { limitMs: 60_000 })],
  });
  stage.alarms.sampled(sampleOf({ a: 41 }));
  stage.records.length = 0;
  await stage.clock.advance(10_000);
  const output = stage.output();
  output.trouble = new Error('no such line');
  output.lose(new Error('the helper has ended'));
  await stage.clock.advance(5000);
  const { actuators } = stage.alarms.status();
  expect(actuators).toEqual([{ actuator: 'buzzer', state: 'failed', reason: 'the line failed' }]);
  output.told.length = 0;
  output.trouble = undefined;
  await stage.clock.advance(30_000);
  expect(output.opened).toBe(2);
  const [play] = output.told;
  expect(play?.pattern).toEqual([200, 800]);
  expect((play?.atMs ?? 0) + (play?.limitMs ?? 0)).toBe(60_000);
  expect(stage.records.map(({ station, kind, info }) => ({ station, kind, info }))).toEqual([
    {
      station: '_gateway',
      kind: 'event',
      info: { event: 'actuator_failed', actuator: 'buzzer', code: 'ACTUATOR_FAILED', reason: 'the line failed' },
    },
    { station: '_gateway', kind: 'event', info: { event: 'actuator_back', actuator: 'buzzer' } },
  ]);
});

test('one that never opens stops no alarm, and is tried for ever', async () => {
  const stage = new AlarmStage({ alarms: [on('a', {})] });
  stage.output().trouble = new Error('no such line');
  await stage.alarms.start();
  stage.alarms.sampled(sampleOf({ a: 41 }));
  expect(stage.events()).toEqual(['actuator_failed', 'raised']);
  await stage.clock.advance(3_600_000);
  expect(stage.events()).toEqual([]);
  stage.output().trouble = undefined;
  await stage.clock.advance(30_000);
  expect(stage.events()).toEqual(['actuator_back']);
  expect(stage.output().plays).toBe(true);
});

test('at the end it is at its safe level and given back', async () => {
  const stage = await AlarmStage.start({ alarms: [on('a', {})] });
  stage.alarms.sampled(sampleOf({ a: 41 }));
  await stage.alarms.stop();
  expect([stage.output().isOpen, stage.output().plays]).toEqual([false, false]);
  expect(stage.clock.pendingTimers).toBe(0);
});

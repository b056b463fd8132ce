import { expect, test } from 'vitest';
import { AlarmStage, alarmOf } from '../../test/alarm-stage.ts';
import { LogLines } from '../../test/log-lines.ts';

const ABOVE = { kind: 'above', limit: 40, clear: 38 } as const;

test('what happens to an alarm is a line of the log, a warning when it is raised, with what it is about', async () => {
  const log = new LogLines();
  const stage = await AlarmStage.start({ alarms: [alarmOf(ABOVE, { level: 'critical' })], log });
  stage.sample(41.5);
  stage.alarms.silence({});
  stage.alarms.acknowledge({});
  stage.sample(38);
  expect(log.said).toEqual([
    'warn: an alarm is raised',
    'info: an alarm is silenced',
    'info: an alarm is acknowledged',
    'info: an alarm is cleared',
  ]);
  const about = { alarm: 'hot', station: 'buoy', alarmLevel: 'critical', metric: 'temperature' };
  expect(log.fields[0]).toEqual({ ...about, value: 41.5 });
  expect(log.fields[3]).toEqual({ ...about, value: 38 });
});

test('an alarm that only informs is no warning, and one of several metrics says the value of each', async () => {
  const log = new LogLines();
  const tests = ['temperature', 'humidity'].map((metric) => ({ metric, test: ABOVE }));
  const stage = await AlarmStage.start({
    alarms: [alarmOf(ABOVE, { level: 'info', condition: { when: 'any', tests } })],
    log,
  });
  stage.sample(41);
  expect(log.said).toEqual(['info: an alarm is raised']);
  expect(log.fields).toEqual([{ alarm: 'hot', station: 'buoy', alarmLevel: 'info', values: { temperature: 41 } }]);
});

test('the actuator has been told, and the record made, before the line is written', async () => {
  const log = new LogLines();
  const stage = await AlarmStage.start({ alarms: [alarmOf(ABOVE)], log });
  const told: string[] = [];
  log.warn = () => told.push(`${stage.output().told.at(-1)?.what}, ${stage.records.length} record`);
  stage.sample(41);
  expect(told).toEqual(['play, 1 record']);
});

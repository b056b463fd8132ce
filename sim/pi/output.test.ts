import { expect, test } from 'vitest';
import type { ActuatorOutputSettings } from '../../daemon/alarms/types.ts';
import { SteppedClock } from '../clock.ts';
import { SimulatedActuator } from './output.ts';

const { signal } = new AbortController();

function settings(more: Partial<ActuatorOutputSettings> = {}): ActuatorOutputSettings {
  return { line: 'GPIO17', active: 'high', safe: 'off', onFailure: () => undefined, ...more };
}

/** Whether it is on, every 100 ms for a second. */
async function watched(actuator: SimulatedActuator, clock: SteppedClock): Promise<string> {
  let seen = '';
  for (let step = 0; step < 10; step += 1) {
    seen += actuator.isOn ? '#' : '.';
    await clock.advance(100);
  }
  return seen;
}

test('a pattern is played over and over until its limit, then it rests at its safe level', async () => {
  const clock = new SteppedClock();
  const actuator = new SimulatedActuator('GPIO17', clock);
  const output = actuator.output(settings());
  await output.open(signal);
  expect(await watched(actuator, clock)).toBe('..........');
  output.play([200, 100], 700);
  expect(await watched(actuator, clock)).toBe('##.##.#...');
  output.play([], undefined);
  expect(await watched(actuator, clock)).toBe('##########');
  output.rest();
  expect(await watched(actuator, clock)).toBe('..........');
  expect(actuator.played).toBe(2);
});

test('one that is safe when it is on rests on, and is given back on', async () => {
  const clock = new SteppedClock();
  const actuator = new SimulatedActuator('GPIO17', clock);
  const output = actuator.output(settings({ safe: 'on' }));
  await output.open(signal);
  expect(actuator.isOn).toBe(true);
  output.play([100, 900], undefined);
  await clock.advance(500);
  expect(actuator.isOn).toBe(false);
  output.rest();
  expect(actuator.isOn).toBe(true);
});

test('one program has the line, and hears when it is lost', async () => {
  const actuator = new SimulatedActuator('GPIO17', new SteppedClock());
  const failures: string[] = [];
  const first = actuator.output(settings({ onFailure: ({ message }) => failures.push(message) }));
  await first.open(signal);
  await expect(actuator.output(settings()).open(signal)).rejects.toMatchObject({ code: 'PORT_BUSY' });
  first.play([], undefined);
  actuator.isAbsent = true;
  expect(failures).toEqual(['the simulated line is gone']);
  expect(actuator.isOn).toBe(false);
  await expect(first.open(signal)).rejects.toMatchObject({ code: 'PORT_ABSENT' });
  actuator.isAbsent = false;
  await first.open(signal);
  await first.close();
});

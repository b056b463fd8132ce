import { expect, test } from 'vitest';
import { AlarmStage, alarmOf } from '../../test/alarm-stage.ts';
import type { PushedInput } from '../../test/gpio-lines.ts';
import type { ButtonSettings } from './settings.ts';

const button = (settings: Partial<ButtonSettings>): ButtonSettings => ({
  name: 'quiet',
  line: 'QUIET',
  active: 'low',
  bias: 'up',
  debounceMs: 50,
  press: 'ack',
  hold: 'silence',
  ...settings,
});

async function raised(settings: Partial<ButtonSettings>): Promise<{ stage: AlarmStage; input: PushedInput }> {
  const alarms = [
    alarmOf({ kind: 'above', limit: 40, clear: 38 }),
    alarmOf({ kind: 'above', limit: 41, clear: 38 }, { name: 'hotter' }),
  ];
  const stage = await AlarmStage.start({ alarms, buttons: [button(settings)] });
  stage.sample(50);
  stage.events();
  return { stage, input: stage.inputs.get('QUIET') as PushedInput };
}

test('a press acts on every alarm that stands when it is let go, a hold after two seconds and only once', async () => {
  const { stage, input } = await raised({ press: 'silence', hold: 'ack' });
  input.edge(0);
  await stage.clock.advance(1999);
  expect(stage.events()).toEqual([]);
  input.edge(1);
  await stage.clock.advance(0);
  expect(stage.events()).toEqual(['silenced', 'silenced']);
  input.edge(0);
  await stage.clock.advance(2000);
  expect(stage.events()).toEqual(['acknowledged', 'acknowledged']);
  input.edge(1);
  await stage.clock.advance(5000);
  expect(stage.events()).toEqual([]);
});

test('one that cannot be held acts at once', async () => {
  const { stage, input } = await raised({ hold: undefined });
  input.edge(0);
  await stage.clock.advance(0);
  expect(stage.events()).toEqual(['acknowledged', 'acknowledged']);
});

test('active high: the other level is the press', async () => {
  const { stage, input } = await raised({ hold: undefined, active: 'high', bias: 'down' });
  input.edge(0);
  await stage.clock.advance(0);
  expect(stage.events()).toEqual([]);
  input.edge(1);
  await stage.clock.advance(0);
  expect(stage.events()).toEqual(['acknowledged', 'acknowledged']);
});

test('to let go what was down before the line was opened is no press', async () => {
  const { stage, input } = await raised({});
  input.edge(1);
  await stage.clock.advance(5000);
  expect(stage.events()).toEqual([]);
});

test('debounce and bias are asked of the line, both edges of it', async () => {
  const { input } = await raised({});
  expect(input.settings).toEqual({ line: 'QUIET', bias: 'up', edge: 'both', debounceMs: 50 });
});

test('one that is lost is told once, opened again and works again', async () => {
  const { stage, input } = await raised({});
  input.edge(0);
  input.lose(new Error('gone'));
  await stage.clock.advance(60_000);
  expect(stage.events()).toEqual(['button_failed', 'button_back']);
  expect(stage.alarms.status().buttons).toEqual([{ button: 'quiet', state: 'ok' }]);
  input.edge(0);
  input.edge(1);
  await stage.clock.advance(0);
  expect(stage.events()).toEqual(['acknowledged', 'acknowledged']);
});

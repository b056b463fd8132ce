import { z } from 'zod';
import { gpioLine } from '../../drivers/gpio-line.ts';
import { choice, duration } from '../../runtime/config/values.ts';
import { PATTERNS, type PatternWord } from '../alarms/patterns.ts';
import { ALARM_PRESETS, type AlarmPreset } from '../alarms/presets.ts';
import { ALARM_LEVELS, type AlarmLevel } from '../alarms/settings.ts';
import { metricName, name } from './names.ts';

const DAY = '1d';

const limit = () =>
  z.number().optional().meta({ hint: 'It is in the unit of the metric, in °C where that is a temperature.' });

/** What may be looked for in a metric: exactly one of them, some with a second key. */
const testShape = {
  above: limit().describe('Raised when the value is above this'),
  below: limit().describe('Raised when the value is below this'),
  clear: limit().describe(
    'Cleared when the value is back at this, for `above` and `below`; left out: at the limit itself',
  ),
  rises: z.number().positive().optional().describe('Raised when the value has risen by this or more `within` a time'),
  falls: z.number().positive().optional().describe('Raised when the value has fallen by this or more `within` a time'),
  within: duration({ min: '100ms', max: '7d' }).optional().describe('The time that `rises` and `falls` look back'),
  stale: duration({ min: '100ms', max: '30d' })
    .optional()
    .describe('Raised when there was no value for this long, since the start too'),
  flag: z
    .literal([3, 4])
    .optional()
    .describe('Raised when the flag of the value is this or worse: 3 suspect, 4 fail')
    .meta({ hint: 'Write 3 (suspect or fail) or 4 (fail).' }),
  is: z
    .union([z.boolean(), z.string().min(1).max(128)])
    .optional()
    .describe('Raised when the value is this: `true`, `false`, or a text'),
};

/** Keys of a test; `clear` and `within` belong to some of them. */
export const TESTS = ['above', 'below', 'rises', 'falls', 'stale', 'flag', 'is'] as const;

const conditionSchema = z.strictObject({ metric: metricName().describe('What is looked at'), ...testShape });

const conditions = () => z.array(conditionSchema).min(2).max(8);

const actuatorNames = () => z.array(name('actuator')).max(16).prefault([]);

export const alarmSchema = z
  .strictObject({
    name: name('alarm').optional().describe('Name of the alarm; a preset brings its own'),
    preset: choice(Object.keys(ALARM_PRESETS) as AlarmPreset[])
      .optional()
      .describe('Some alarms with known thresholds, in place of `name`, `metric`, `level` and a test'),
    station: name('station').optional().describe('Left out: every station that has the metric, each by itself'),
    metric: metricName().optional().describe('What is looked at; in place of it `all`, `any` or `preset`'),
    ...testShape,
    all: conditions().optional().describe('Raised when all of these hold at once'),
    any: conditions().optional().describe('Raised when one of these holds'),
    level: choice(ALARM_LEVELS).optional().describe('How urgent it is; left out: `warning`'),
    use: choice(['any', 'good'])
      .prefault('any')
      .describe('`good`: values that are flagged as suspect or fail count as missing'),
    after: duration({ max: DAY }).prefault('0s').describe('Raised when the condition has held for so long'),
    clear_after: duration({ max: DAY }).prefault('0s').describe('Cleared when the condition has been gone for so long'),
    latch: z.boolean().prefault(false).describe('Stands until it is acknowledged, though the condition is gone'),
    do: actuatorNames().describe('Actuators that play while it stands and nobody has acknowledged or silenced it'),
    silence: duration({ min: '1s', max: DAY })
      .prefault('10m')
      .describe('For how long it is silenced, then it sounds again'),
    escalate: z
      .array(
        z.strictObject({
          after: duration({ min: '1s', max: '30d' }).describe('Time since it was raised'),
          do: z.array(name('actuator')).min(1).max(16).describe('Actuators that play then, beside the others'),
        }),
      )
      .max(8)
      .prefault([])
      .describe('More actuators as long as nobody acknowledges'),
  })
  .meta({ oneOf: ['preset', 'metric', 'all', 'any'].map((key) => ({ required: [key] })) });

const level = (fallback: 'high' | 'low') => choice(['high', 'low']).prefault(fallback);

const words = () => choice(Object.keys(PATTERNS) as PatternWord[]);
const times = () =>
  z
    .array(duration({ min: '20ms', max: '1m' }))
    .min(2)
    .max(16);

const patternOf = (level: AlarmLevel) =>
  z
    .union([words(), times()])
    .prefault('on')
    .meta({ hint: 'Write `on`, `blink`, `beep`, or times on and off: `[200ms, 800ms]`.' })
    .describe(`While the most urgent alarm that wants it is of level ${level}`);

export const actuatorSchema = z.strictObject({
  gpio: gpioLine(),
  active: level('high').describe('The level that switches it on'),
  safe: choice(['off', 'on']).prefault('off').describe('What it is at rest, at exit and after a crash'),
  pattern: z
    .union([
      z.strictObject({ info: patternOf('info'), warning: patternOf('warning'), critical: patternOf('critical') }),
      words(),
      times(),
    ])
    .prefault('on')
    .meta({
      hint: 'Write `on`, `blink`, `beep`, times on and off `[200ms, 800ms]`, or one of these for each of `info`, `warning`, `critical`.',
    })
    .describe('`on`, `blink` (500 ms), `beep` (200 ms a second), times on and off, or one of these a level'),
  limit: duration({ min: '100ms', max: DAY })
    .optional()
    .describe('The longest that it plays after an alarm was raised; left out: as long as the alarm stands'),
});

export const buttonSchema = z.strictObject({
  gpio: gpioLine(),
  active: level('low').describe('The level while it is pressed'),
  pull: choice(['up', 'down', 'none']).optional().describe('Bias of the line; left out: away from `active`'),
  debounce: duration({ max: '1s' }).prefault('50ms').describe('Contacts bounce for no longer than this'),
  press: choice(['ack', 'silence']).optional().describe('What it does to every alarm that stands'),
  hold: choice(['ack', 'silence']).optional().describe('The same, when it is held for two seconds'),
});

/** The keys of the top that are about alarms. */
export const alarmsShape = {
  alarms: z.array(alarmSchema).max(256).prefault([]).describe('What is wrong when it is measured, and who is told'),
  actuators: z.record(name('actuator'), actuatorSchema).prefault({}).describe('Buzzers, lamps, sirens, by name'),
  buttons: z.record(name('button'), buttonSchema).prefault({}).describe('Buttons that acknowledge or silence, by name'),
};

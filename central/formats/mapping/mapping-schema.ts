import { z } from 'zod';
import { choice, pattern } from '../../../runtime/config/values.ts';
import { TIME_FORMS } from './time-rule.ts';

const PATH_HINT =
  'Write keys with dots, `device.id`, indices of lists, `values.0`; `$.id` begins at the message, `$topic.1` is a level of the topic.';
const path = () => z.string().min(1).max(256).meta({ hint: PATH_HINT });
const scalar = () => z.union([z.string().min(1).max(128), z.number(), z.boolean()]);
const unit = () =>
  z
    .string()
    .min(1)
    .max(32)
    .describe('What the values are in; left out: in the registry’s unit')
    .meta({ hint: 'Put it in quotes: "°F".' });

/** A path, or a value that is always the same. */
const field = () =>
  z
    .union([
      path(),
      z.strictObject({
        field: path().optional().describe('Where it is'),
        constant: scalar().optional().describe('Or: what it always is'),
      }),
    ])
    .meta({ hint: 'Write a path, or `{ constant: … }`.' });

const metricField = () =>
  z
    .union([
      path(),
      z.strictObject({
        field: path().optional().describe('Where the value is'),
        constant: scalar().optional().describe('Or: what it always is'),
        unit: unit().optional(),
        type: choice(['number', 'boolean', 'text'])
          .optional()
          .describe('Of an `x_…`, and for numbers that come as texts'),
        scale: z.number().optional().describe('The value times this'),
        offset: z.number().optional().describe('Then plus this, before the unit is looked at'),
        words: z.record(z.string(), scalar()).optional().describe('Words or numbers of a category, and what they mean'),
        absent: z
          .array(z.union([z.string(), z.number()]))
          .max(16)
          .optional()
          .describe('What stands for no value: `[-999, "NaN"]`'),
      }),
    ])
    .meta({ hint: 'Write a path, or `{ field: PATH, unit: … }`.' });

const timeSchema = z.strictObject({
  field: z
    .union([path(), z.array(path()).min(1).max(4)])
    .describe('Where it is; several are joined with a space, as a date and a time of day')
    .meta({ hint: PATH_HINT }),
  form: choice(TIME_FORMS)
    .prefault('auto')
    .describe(
      '`epoch_s`, `epoch_ms`; `iso`, with an offset; `local`, `YYYY-MM-DD HH:MM[:SS[.ffffff]]`; `digits`, `YYYYMMDDhhmmss`; `pattern`; `auto`: whichever of the first five it looks like',
    ),
  zone: z.string().min(1).optional().describe('Of wall clocks: `Europe/Athens`; left out: the `zone` of the source'),
  pattern: z.string().min(1).max(64).optional().describe('Of `form: pattern`: `DD/MM/YYYY HH:mm:ss`'),
});

const namedSchema = z.strictObject({
  each: path().describe('A list of values with their names, or an object whose keys are the names'),
  name: path().optional().describe('In an entry of the list: where the name is'),
  value: path().optional().describe('In an entry of the list: where the value is'),
  unit: path().optional().describe('In an entry of the list: where the unit is'),
  metrics: z
    .record(
      z.string(),
      z.union([
        z.string().min(1),
        z.strictObject({
          metric: z.string().min(1).describe('The registry’s name, or `x_…`'),
          unit: unit().optional(),
        }),
      ]),
    )
    .prefault({})
    .describe('Names as they come → metrics; any other becomes `x_NAME`'),
});

const place = () => z.union([z.number(), path()]);

/** A mapping file. */
export const mappingSchema = z.strictObject({
  message: choice(['json', 'delimited']).describe('What messages are: JSON, or lines with a separator'),
  each: path()
    .optional()
    .describe('Of JSON: a list of which each entry is a reading; `$` where the message is the list'),
  separator: z.string().min(1).max(8).optional().describe('Of lines: what stands between two fields'),
  columns: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(256)
    .optional()
    .describe('Of lines: a name for each field, by which the rest of this file calls it'),
  quotes: z.boolean().prefault(false).describe('Of lines: fields may stand in double quotes, as RFC 4180 has it'),
  decimal: choice(['.', ',']).prefault('.').describe('Between the whole part of a number and its fraction, in texts'),
  source_id: z
    .union([field(), z.array(field()).min(1).max(4)])
    .describe('The device’s own name for itself; several parts are joined with `/`')
    .meta({ hint: 'Write a path, `{ constant: … }`, or a list of them.' }),
  time: timeSchema.optional().describe('When it was measured; left out, or absent in a message: when it came'),
  metrics: z.record(z.string(), metricField()).optional().describe('Metrics, and where their values are'),
  named: namedSchema.optional().describe('Values that come with their names'),
  location: z
    .strictObject({
      lat: place().describe('Degrees north, or where they are'),
      lon: place().describe('Degrees east, or where they are'),
      alt: place().optional().describe('Metres above sea level, or where they are'),
    })
    .optional()
    .describe('Where the device is'),
  info: z
    .record(
      pattern(
        /^[a-z][a-z0-9_]{0,47}$/,
        'a name in snake_case',
        'A name has 1 to 48 of a-z, 0-9, underscore, and begins with a letter.',
      ),
      field(),
    )
    .optional()
    .describe('What else goes into the record, beside its metrics'),
});

/** A mapping as it is written, each key of its type. */
export type MappingKeys = z.output<typeof mappingSchema>;

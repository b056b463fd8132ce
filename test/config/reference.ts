/** Tables of every configuration key and every metric, made from what checks them: said once. */
import { z } from 'zod';
import { centralSchema } from '../../central/config/schema.ts';
import { gatewaySchemaWith, sensorSchemaOf } from '../../daemon/config/json-schema.ts';
import { sensorShape } from '../../daemon/config/schema.ts';
import { DRIVERS } from '../../drivers/index.ts';
import {
  coreOf,
  type KeyNote,
  noteOf,
  recordKeyOf,
  restOf,
  schemaAt,
  shapeOf,
} from '../../runtime/config/schema-tree.ts';
import { registryTable } from './registry-table.ts';
import { aligned } from './table.ts';

interface Note extends KeyNote {
  readonly kind?: string;
  readonly bounds?: string;
  /** The default as people write it. */
  readonly defaultText?: string;
  readonly required?: readonly string[];
  readonly laterWords?: readonly string[];
}

/** The documentation with its generated parts made anew: `<!-- keys: NAME -->`, or `<!-- registry -->`, to `<!-- end -->`. */
export function withReference(markdown: string): string {
  return markdown
    .replaceAll(
      /(<!-- keys: ([a-z]+) -->\n)[\s\S]*?(<!-- end -->)/g,
      (_, begin: string, name: string, end: string) => `${begin}\n${partNamed(name)}\n${end}`,
    )
    .replace(
      /(<!-- registry -->\n)[\s\S]*?(<!-- end -->)/,
      (_, begin: string, end: string) => `${begin}\n${registryTable()}\n\n${end}`,
    );
}

function partNamed(name: string): string {
  switch (name) {
    case 'gateway':
      return tablesOf(gatewaySchemaWith(DRIVERS), '');
    case 'drivers':
      return DRIVERS.map((driver) => {
        const { driver: _, ...shape } = shapeOf(sensorSchemaOf(driver)) ?? {};
        const own = Object.entries(shape).filter(([key]) => !Object.hasOwn(sensorShape, key));
        const parts = [`### \`driver: ${driver.name}\``, `${driver.summary}.`, tableOf(own, [])];
        return [...parts, ...own.flatMap(([key, child]) => inside(child, `driver: ${driver.name}, ${key}`))].join(
          '\n\n',
        );
      }).join('\n\n');
    case 'central':
      return tablesOf(centralSchema, '');
    default:
      throw new Error(`there are no keys for ${name}`);
  }
}

/** One table for a mapping, then one for each mapping in it. */
function tablesOf(schema: z.core.$ZodType, place: string): string {
  const keys = Object.entries(shapeOf(schema) ?? {});
  const note = noteOf(schema as z.ZodType) as Note;
  const rest = restOf(schema);
  const heading = place === '' ? [] : [`### \`${place}\``];
  const taken = keys.filter(([, child]) => noteOf(child).later === true).map(([key]) => `\`${key}\``);
  const parts = [
    ...heading,
    tableOf(keys, note.required ?? []),
    ...(taken.length === 0 ? [] : [`Not in this version: ${taken.join(', ')}.`]),
    ...keys.flatMap(([key, child]) => inside(child, place === '' ? key : `${place}.${key}`)),
    ...(rest === undefined ? [] : inside(rest, `${place}.METRIC`)),
  ];
  return parts.join('\n\n');
}

/** The tables of what a key holds, where it holds a mapping, or a list or a collection of them. */
function inside(schema: z.ZodType, place: string): string[] {
  const core = coreOf(schema);
  if (core instanceof z.ZodDiscriminatedUnion) return [tablesOf(z.strictObject(sensorShape), place)];
  if (shapeOf(schema) !== undefined) return [tablesOf(schema, place)];
  if (recordKeyOf(schema) !== undefined) return inside(schemaAt(schema, ['']) as z.ZodType, `${place}.NAME`);
  if (core instanceof z.ZodArray) return inside(core.element as z.ZodType, `${place}[]`);
  if (core instanceof z.ZodUnion) return core.options.flatMap((option) => inside(option as z.ZodType, place));
  return [];
}

function tableOf(keys: readonly (readonly [string, z.ZodType])[], required: readonly string[]): string {
  const rows = keys
    .filter(([, child]) => noteOf(child).later !== true)
    .map(([key, child]) => {
      const isRequired = required.includes(key) || child._zod.optin === undefined;
      const { description = '', laterWords = [] } = noteOf(child) as Note;
      const words = laterWords.map((word) => `\`${word}\``).join(', ');
      const meaning = `${description}${words === '' ? '' : ` (not in this version: ${words})`}`;
      return [`\`${key}\``, typeText(child), isRequired ? '**required**' : defaultText(child), meaning];
    });
  return aligned([['key', 'type', 'default', 'meaning'], ...rows]);
}

function defaultText(schema: z.ZodType): string {
  const { defaultText: own } = noteOf(schema) as Note;
  if (own !== undefined) return `\`${own}\``;
  const { default: value } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return value === undefined ? '' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

function typeText(schema: z.ZodType): string {
  const { kind, bounds } = noteOf(schema) as Note;
  if (kind !== undefined) return bounds === undefined || bounds === '' ? kind : `${kind}, ${bounds}`;
  const core = coreOf(schema);
  if (core instanceof z.ZodEnum) return quoted(core.options.map(String));
  if (core instanceof z.ZodLiteral) return quoted([...core.values].map(String));
  if (core instanceof z.ZodDiscriminatedUnion) return 'mapping';
  if (core instanceof z.ZodUnion) return core.options.map((option) => typeText(option as z.ZodType)).join(' or ');
  if (core instanceof z.ZodArray) return `list, each: ${typeText(core.element as z.ZodType)}`;
  if (core instanceof z.ZodTuple)
    return `list of ${core.def.items.length}, each: ${typeText(core.def.items[0] as z.ZodType)}`;
  if (core instanceof z.ZodRecord) return `mapping by name, each: ${typeText(core.valueType as z.ZodType)}`;
  if (core instanceof z.ZodNumber) return numberText(core);
  if (core instanceof z.ZodBoolean) return '`true` or `false`';
  if (core instanceof z.ZodString) return 'text';
  return 'mapping';
}

function quoted(words: readonly string[]): string {
  const list = words.map((word) => `\`${word}\``).join(', ');
  return words.length === 1 ? list : `one of ${list}`;
}

function numberText(schema: z.ZodNumber): string {
  const { minimum, maximum, exclusiveMinimum, type } = z.toJSONSchema(schema);
  const word = type === 'integer' ? 'whole number' : 'number';
  const bounds = [
    isBound(minimum) ? `at least ${minimum}` : '',
    exclusiveMinimum === undefined ? '' : `above ${exclusiveMinimum}`,
    isBound(maximum) ? `at most ${maximum}` : '',
  ].filter((bound) => bound !== '');
  return bounds.length === 0 ? word : `${word}, ${bounds.join(', ')}`;
}

function isBound(value: number | undefined): value is number {
  return value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER;
}

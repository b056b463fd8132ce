import { resolve } from 'node:path';
import type { z } from 'zod';
import type { Path } from './document.ts';

/** What a key says about itself, beside its type; put there with `.describe()` and `.meta()`. */
export interface KeyNote {
  /** One sentence for people: in the JSON Schema, in `docs/configuration.md`, and when the key is missing. */
  readonly description?: string | undefined;
  /** What to do when the value is wrong. */
  readonly hint?: string | undefined;
  /** The same, where it depends on the value. */
  readonly hintOf?: ((value: unknown) => string) | undefined;
  /** The least and the most that the value may be, in words: `100ms to 1d`. */
  readonly bounds?: string | undefined;
  /** The value names a file or folder, relative to the configuration file. */
  readonly path?: boolean | undefined;
  /** The name is taken, the feature is not built. */
  readonly later?: boolean | undefined;
}

type Definition = z.core.$ZodTypes['_zod']['def'];

function definitionOf(schema: z.core.$ZodType): Definition {
  return schema._zod.def as Definition;
}

/** The schema inside one layer of optional, default or transform; undefined where there is no layer. */
function insideOf(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const def = definitionOf(schema);
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return def.innerType;
    case 'pipe':
      return definitionOf(def.in).type === 'transform' ? def.out : def.in;
    case 'lazy':
      return def.getter();
    default:
      return undefined;
  }
}

/** The schema of the value as written in the file, without optional, default and transform around it. */
export function coreOf(schema: z.core.$ZodType): z.core.$ZodType {
  let core = schema;
  for (let inside = insideOf(core); inside !== undefined; inside = insideOf(core)) core = inside;
  return core;
}

/** Everything a schema says about itself; an outer layer wins over an inner one. */
export function noteOf(schema: z.ZodType): KeyNote {
  let note: KeyNote = {};
  for (let layer: z.core.$ZodType | undefined = schema; layer !== undefined; layer = insideOf(layer)) {
    note = { ...(layer as z.ZodType).meta(), ...note };
  }
  return note;
}

/** The keys of a mapping with fixed keys, of all alternatives where there are some; undefined for every other schema. */
export function shapeOf(schema: z.core.$ZodType): Readonly<Record<string, z.ZodType>> | undefined {
  const def = definitionOf(coreOf(schema));
  if (def.type === 'object') return def.shape as Record<string, z.ZodType>;
  if (def.type !== 'union') return undefined;
  const shapes = def.options.map(shapeOf).filter((shape) => shape !== undefined);
  return shapes.length === 0 ? undefined : Object.assign({}, ...shapes);
}

/** The schema of the keys of a mapping whose keys are free; undefined for every other schema. */
export function recordKeyOf(schema: z.core.$ZodType): z.ZodType | undefined {
  const def = definitionOf(coreOf(schema));
  return def.type === 'record' ? (def.keyType as z.core.$ZodType as z.ZodType) : undefined;
}

/** The schema of the free keys that a mapping has beside its fixed ones; undefined where it has none. */
export function restOf(schema: z.core.$ZodType): z.ZodType | undefined {
  const def = definitionOf(coreOf(schema));
  const rest = def.type === 'object' ? def.catchall : undefined;
  return rest === undefined || definitionOf(rest).type === 'never' ? undefined : (rest as z.ZodType);
}

/** The schema that is in charge of the value at `path`; undefined where there is none. */
export function schemaAt(schema: z.core.$ZodType, path: Path): z.ZodType | undefined {
  let current: z.core.$ZodType | undefined = schema;
  for (const part of path) {
    if (current === undefined) return undefined;
    current = childOf(current, part);
  }
  return current as z.ZodType | undefined;
}

function childOf(schema: z.core.$ZodType, part: string | number): z.core.$ZodType | undefined {
  const def = definitionOf(coreOf(schema));
  switch (def.type) {
    case 'object':
      return Object.hasOwn(def.shape, part) ? def.shape[part] : restOf(schema);
    case 'array':
      return def.element;
    case 'record':
      return def.valueType;
    case 'tuple':
      return def.items[part as number];
    case 'union':
      return def.options.map((option) => childOf(option, part)).find((child) => child !== undefined);
    default:
      return undefined;
  }
}

/** The value with every text that the schema calls a path made absolute, relative to `folder`. */
export function resolvePaths<T>(schema: z.core.$ZodType, value: T, folder: string): T {
  if (typeof value === 'string') {
    return noteOf(schema as z.ZodType).path === true ? (resolve(folder, value) as T) : value;
  }
  if (value === null || typeof value !== 'object') return value;
  const resolved = Object.entries(value).map(([key, item]): [string, unknown] => {
    const child = childOf(schema, Array.isArray(value) ? Number(key) : key);
    return [key, child === undefined ? item : resolvePaths(child, item, folder)];
  });
  return (Array.isArray(value) ? resolved.map(([, item]) => item) : Object.fromEntries(resolved)) as T;
}

import { z } from 'zod';
import { noteOf, shapeOf } from './schema-tree.ts';

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What the notes of a schema hold for us alone. */
const OWN_NOTES = ['hint', 'hintOf', 'kind', 'bounds', 'path', 'laterWords', 'defaultText'] as const;

/**
 * The JSON Schema of what a file may say, for editors. Keys that are not in this version are left out, so that no
 * editor offers them; what only the program can check (between keys, on disk) is not in it.
 */
export function jsonSchemaOf(schema: z.ZodType, title: string): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-2020-12',
    override: ({ zodSchema, jsonSchema }) => {
      for (const note of OWN_NOTES) delete (jsonSchema as Record<string, unknown>)[note];
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      for (const [key, child] of Object.entries(shapeOf(zodSchema) ?? {})) {
        if (noteOf(child).later === true) delete jsonSchema.properties?.[key];
      }
    },
  });
  return { $schema, title, ...rest };
}

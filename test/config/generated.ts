/**
 * What stands in the tree and follows from the configuration's schemas: `npm run generate` writes it,
 * `generated.test.ts` holds it to be current.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { centralJsonSchema } from '../../central/config/json-schema.ts';
import { gatewayJsonSchema } from '../../daemon/config/json-schema.ts';
import { DRIVERS } from '../../drivers/index.ts';
import { withMetrics } from './metric-tables.ts';
import { withReference } from './reference.ts';

const root = join(import.meta.dirname, '..', '..');

export const SCHEMAS = [
  { path: join(root, 'deploy/schema/gateway.schema.json'), schema: () => gatewayJsonSchema(DRIVERS) },
  { path: join(root, 'deploy/schema/central.schema.json'), schema: centralJsonSchema },
] as const;

export const REFERENCE = join(root, 'docs/configuration.md');

/** The README of each driver. */
export const READMES = DRIVERS.map(({ name }) => join(root, 'drivers', name, 'README.md'));

function write(): void {
  for (const { path, schema } of SCHEMAS) writeFileSync(path, `${JSON.stringify(schema(), null, 2)}\n`);
  writeFileSync(REFERENCE, withReference(readFileSync(REFERENCE, 'utf8')));
  for (const path of READMES) writeFileSync(path, withMetrics(readFileSync(path, 'utf8')));
}

if (import.meta.main) write();

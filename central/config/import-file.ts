import { z } from 'zod';
import { ConfigReader } from '../../runtime/config/reader.ts';
import { filePath } from '../../runtime/config/values.ts';
import { loadMapping } from '../formats/mapping/mapping-file.ts';
import type { Mapping } from '../formats/mapping/mapping-rules.ts';
import { TimeZone } from '../formats/time-zone.ts';
import { checkSecret } from './secrets.ts';

const PORT_MAX = 65_535;

const schema = z.strictObject({
  source: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, { error: 'is not a name: lower case, digits and -' }),
  zone: z.string().optional(),
  mariadb: z.strictObject({
    host: z.string().min(1),
    port: z.int().min(1).max(PORT_MAX).prefault(3306),
    database: z.string().min(1),
    user: z.string().min(1).prefault('mooring'),
    password: filePath().optional(),
    ca: filePath().optional(),
  }),
  tables: z.record(z.string().min(1), z.strictObject({ key: z.string().min(1), mapping: filePath() })),
});

/** What is to be imported, checked. */
export interface ImportPlan {
  /** Becomes the records' `gateway`. */
  readonly source: string;
  readonly mariadb: {
    readonly host: string;
    readonly port: number;
    readonly database: string;
    readonly user: string;
    readonly passwordFile?: string;
    readonly caFile?: string;
  };
  readonly tables: readonly ImportTable[];
}

export interface ImportTable {
  readonly name: string;
  /** The column that the rows are read in the order of: the time. */
  readonly key: string;
  /** A row is an object with its columns by name. */
  readonly mapping: Mapping;
}

/** Reads an import's file and its mappings. Throws `CONFIG_INVALID` with every problem in one of them, or `CONFIG_UNREADABLE`. */
export function loadImport(file: string): ImportPlan {
  const reader = new ConfigReader(file);
  const keys = reader.parse(schema, []);
  const zone = zoneOf(reader, keys?.zone);
  checkSecret(reader, ['mariadb', 'password']);
  reader.throwIfInvalid();
  const { source, mariadb, tables } = keys as z.output<typeof schema>;
  const { password: passwordFile, ca: caFile, ...place } = mariadb;
  return {
    source,
    mariadb: {
      ...place,
      ...(passwordFile === undefined ? {} : { passwordFile }),
      ...(caFile === undefined ? {} : { caFile }),
    },
    tables: Object.entries(tables).map(([name, { key, mapping }]) => {
      return { name, key, mapping: loadMapping(mapping, { zone }) };
    }),
  };
}

function zoneOf(reader: ConfigReader, name: string | undefined): TimeZone | undefined {
  try {
    return name === undefined ? undefined : new TimeZone(name);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    reader.report(['zone'], 'value', 'is not a time zone', 'Write one of the IANA database: Europe/Athens.');
    return undefined;
  }
}

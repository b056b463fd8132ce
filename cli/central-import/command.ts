import type { Command } from 'commander';
import type { ImportOptions } from '../central-import.ts';

/** What the verb does; returns its exit status. */
export interface ImportVerbs {
  centralImport(config: string, file: string, options: Omit<ImportOptions, 'hasBar'>): Promise<number>;
}

/** `mooring central import`. Its `-c` is that of `central`. */
export function addImportVerb(central: Command, verbs: ImportVerbs, finish: (status: number) => void): void {
  central
    .command('import')
    .description("put the rows of another system's MariaDB into the log, as records of existing devices")
    .argument('<file>', 'what to import: the database, its tables, their mappings')
    .option('--from <key>', 'from this time on, as the tables write it: 20230101000000')
    .option('--until <key>', 'up to this time and without it: where the live feed begins')
    .option('--json', 'print one JSON object', false)
    .action(async (file, { from, until, json }, command: Command) => {
      const { config } = command.optsWithGlobals<{ config?: string }>();
      if (config === undefined) command.error("error: required option '-c, --config <file>' not specified");
      finish(await verbs.centralImport(config as string, file, { from, until, json }));
    })
    .addHelpText('after', HELP);
}

const HELP = `
Examples:
  mooring central import -c central.yaml buoy.yaml --until 20240121100604

It goes on where it was when it is run again, and makes no record twice.

Exit status:
  0  every row is in the log
  1  something was refused, and is in the dead letter; or something failed
  2  configuration
`;

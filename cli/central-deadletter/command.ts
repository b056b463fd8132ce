import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDurationMs } from '../../runtime/config/values.ts';
import type { LetterListOptions, LetterReplayOptions } from '../central-deadletter.ts';

/** What these verbs do; every one returns its exit status. */
export interface LetterVerbs {
  letterList(config: string, options: LetterListOptions): Promise<number>;
  letterShow(config: string, id: string, options: { readonly json: boolean }): Promise<number>;
  letterReplay(config: string, options: LetterReplayOptions): Promise<number>;
}

/** The verbs that look after what was refused. Their `-c` is that of `central`. */
export function addLetterVerbs(central: Command, verbs: LetterVerbs, finish: (status: number) => void): void {
  const letters = central
    .command('deadletter')
    .description('what was refused: look at it, and put it back on its way')
    .addHelpText('after', HELP);
  filtered(letters.command('list').description('a row for each letter that was not replayed'), 100)
    .option('--all', 'those too that were replayed', false)
    .action(async (options, command) => finish(await verbs.letterList(configOf(command), plain(options))));
  letters
    .command('show')
    .description('all that is in a letter, its message decoded')
    .argument('<id>', 'as `list` has it')
    .option('--json', 'print one JSON object', false)
    .action(async (id, options, command) => finish(await verbs.letterShow(configOf(command), id, options)));
  filtered(
    letters
      .command('replay')
      .description('give messages to their format again, and records to the log, under the same ids')
      .argument('[id...]', 'as `list` has them; or say which with the options'),
    1000,
  ).action(async (ids: string[], options, command: Command) => {
    const hasFilter = ['source', 'gateway', 'sink', 'code', 'since'].some((name) => options[name] !== undefined);
    if (ids.length === 0 && !hasFilter)
      command.error('error: name letters, or a --source, --gateway, --sink or --code');
    if (ids.length > 0 && hasFilter) command.error('error: name letters, or say which with options: not both');
    finish(await verbs.letterReplay(configOf(command), { ids, ...plain(options) }));
  });
}

function filtered(command: Command, limit: number): Command {
  return command
    .option('--source <name>', 'of this source')
    .option('--gateway <name>', 'of this gateway')
    .option('--sink <name>', 'of this sink')
    .option('--code <code>', 'with this code')
    .addOption(
      new Option('--since <time>', 'received since: 1h, 7d, or 2026-01-31T09:00:00Z').argParser<
        LetterListOptions['since']
      >(sinceOf),
    )
    .addOption(new Option('--limit <count>', 'at most so many').default(limit).argParser(countOf))
    .option('--json', 'print one JSON object', false);
}

function configOf(command: Command): string {
  const { config } = command.optsWithGlobals<{ config?: string }>();
  if (config === undefined) command.error("error: required option '-c, --config <file>' not specified");
  return config as string;
}

function plain(options: Record<string, unknown>): LetterListOptions {
  return { ...options } as unknown as LetterListOptions;
}

function sinceOf(text: string): NonNullable<LetterListOptions['since']> {
  const agoMs = parseDurationMs(text);
  if (agoMs !== undefined) return { agoMs };
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs))
    throw new InvalidArgumentError('Write a duration, 1h or 7d, or a time: 2026-01-31T09:00:00Z.');
  return { atMs };
}

function countOf(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1) throw new InvalidArgumentError('Write a whole number above 0.');
  return count;
}

const HELP = `
Examples:
  mooring central deadletter list -c central.yaml --source meters --since 7d
  mooring central deadletter show -c central.yaml 2-17
  mooring central deadletter replay -c central.yaml --source meters

Exit status:
  0  done
  1  there is no such letter, or one of them stays
  2  configuration
`;

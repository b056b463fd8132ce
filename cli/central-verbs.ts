import { type Command, Option } from 'commander';
import { addLetterVerbs, type LetterVerbs } from './central-deadletter/command.ts';
import { addEnrollVerbs, type EnrollVerbs } from './central-enroll-verbs.ts';
import { addImportVerb, type ImportVerbs } from './central-import/command.ts';
import { addTalkVerbs, type TalkVerbs } from './central-talk/command.ts';
import type { TryOptions } from './central-try.ts';

/** What the verbs below `mooring central` do; every one returns its exit status. */
export interface CentralVerbs extends EnrollVerbs, ImportVerbs, LetterVerbs, TalkVerbs {
  centralTry(mapping: string, file: string, options: TryOptions): Promise<number>;
}

/** The verbs below `mooring central`. */
export function addCentralVerbs(central: Command, verbs: CentralVerbs, finish: (status: number) => void): void {
  central
    .command('try')
    .description('show what a mapping makes of messages in a file, without a centre')
    .argument('<mapping>', 'the mapping')
    .argument('<file>', 'messages: one a line, or one JSON document')
    .option('--topic <topic>', 'the topic that they came on')
    .option('--zone <zone>', 'the zone of the source, where the mapping names none: Europe/Athens')
    .addOption(new Option('--json', 'print one JSON object'))
    .action(async (mapping, file, options) =>
      finish(await verbs.centralTry(mapping, file, { json: false, ...options })),
    )
    .addHelpText('after', HELP);
  addEnrollVerbs(central, verbs, finish);
  addLetterVerbs(central, verbs, finish);
  addImportVerb(central, verbs, finish);
  addTalkVerbs(central, verbs, finish);
}

const HELP = `
Examples:
  mooring central try meters.yaml messages.txt --topic m/east/w1
  mooring central try deploy/mappings/weather-station.yaml deploy/mappings/weather-station.example.json

Exit status:
  0  every message was taken, whole
  1  something was refused
  2  the mapping is wrong, or there are no messages
`;

import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { parseDurationMs } from '../../runtime/config/values.ts';
import type { TalkOptions } from '../central-talk.ts';
import { TALK_PROFILES, type TalkProfile } from './profiles.ts';

/** What the verbs of simulated devices do; every one returns its exit status. */
export interface TalkVerbs {
  /** Without a profile, what `workflow` says. */
  centralTalk(profile: TalkProfile | undefined, options: TalkOptions): Promise<number>;
  centralHeard(truthFile: string, recordsDir: string, options: { readonly json: boolean }): Promise<number>;
}

/** `mooring central talk` and `mooring central heard`. */
export function addTalkVerbs(central: Command, verbs: TalkVerbs, finish: (status: number) => void): void {
  const share = (name: string, what: string): Option =>
    new Option(`--${name} <share>`, `${what}, 0 to 1`).argParser(shareOf);
  const number = (flags: string, what: string, isWhole: boolean): Option =>
    new Option(flags, what).argParser((text) => numberOf(text, isWhole));
  central
    .command('talk')
    .description('speak as existing devices do, to a centre or a broker: for trials, with the truth in a file')
    .addArgument(new Argument('[profile]', 'what to speak; left out with --workflow').choices(TALK_PROFILES))
    .addOption(
      new Option('--to <url>', 'mqtt://, mqtts://, udp://, tcp://, http://, https://, kafka://HOST:PORT/TOPIC')
        .argParser(urlOf)
        .makeOptionMandatory(),
    )
    .addOption(number('--rate <n>', 'messages a second; left out: in the time of the devices', false))
    .addOption(number('--count <n>', 'messages that the devices say; left out: without end', true))
    .addOption(new Option('--for <duration>', 'end by itself after this time: 30s, 5m').argParser(durationOf))
    .addOption(number('--seed <n>', 'the same seed says the same', true).default(1))
    .addOption(number('--devices <n>', 'stations, buoys, classrooms or groups of devices', true))
    .option('--workflow <file>', 'speak as a workflow in a file says')
    .addOption(share('loss', 'messages that never leave'))
    .addOption(share('duplicates', 'messages that are sent twice'))
    .addOption(share('reorder', 'messages that are late, and overtaken'))
    .addOption(share('malformed', 'messages of which nothing can be made'))
    .option('--truth <file>', 'write what is true of each message, a JSON object a line')
    .option('--token <file>', 'over HTTP: the bearer token, in the first line')
    .option('--seal <file>', 'over UDP and TCP: the key to seal messages with, 32 bytes in hex, mode 0600')
    .option('--user <name>', 'over MQTT: user name')
    .option('--password <file>', 'over MQTT: the password, in the first line')
    .option('--ca <file>', 'over MQTT: certificates to trust')
    .addOption(
      new Option('--start <time>', 'where the time of the devices begins: 2024-01-21T10:00:00Z').argParser(timeOf),
    )
    .addOption(number('--speed <n>', 'seconds of that time in a second', false).default(1))
    .option('--zone <zone>', 'of wall clocks that name none: Europe/Paris')
    .option('--json', 'print one JSON object')
    .action(
      async (profile: TalkProfile | undefined, { for: forMs, start, user, password, ca, ...options }, command) => {
        if ((profile === undefined) === (options.workflow === undefined))
          command.error('error: name either a profile or --workflow', { exitCode: 2 });
        const broker = { caFile: ca, certFile: undefined, keyFile: undefined, user, passwordFile: password };
        finish(await verbs.centralTalk(profile, { json: false, ...options, forMs, startMs: start, broker }));
      },
    )
    .addHelpText('after', HELP);
  central
    .command('heard')
    .description('judge whether the files of a sink have what `talk` said, once')
    .argument('<truth>', 'the file that `talk --truth` wrote')
    .argument('<records-dir>', 'the folder that a `files` sink writes to')
    .option('--json', 'print one JSON object')
    .action(async (truth, records, options) =>
      finish(await verbs.centralHeard(truth, records, { json: false, ...options })),
    )
    .addHelpText('after', HEARD_HELP);
}

function numberOf(text: string, isWhole: boolean): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0 && (!isWhole || Number.isSafeInteger(value)))
    return value;
  throw new InvalidArgumentError(`Write a ${isWhole ? 'whole ' : ''}number above 0.`);
}

function shareOf(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('Write a number from 0 to 1: 0.01.');
}

function urlOf(text: string): URL {
  if (URL.canParse(text) && new URL(text).hostname !== '') return new URL(text);
  throw new InvalidArgumentError(
    'Write mqtt://HOST:PORT, udp://HOST:PORT, tcp://HOST:PORT, http://HOST:PORT/PATH or kafka://HOST:PORT/TOPIC.',
  );
}

function timeOf(text: string): number {
  const timeMs = Date.parse(text);
  if (!Number.isNaN(timeMs)) return timeMs;
  throw new InvalidArgumentError('Write a time with its zone: 2024-01-21T10:00:00Z.');
}

function durationOf(text: string): number {
  const durationMs = parseDurationMs(text);
  if (durationMs !== undefined) return durationMs;
  throw new InvalidArgumentError('Write a number and its unit: 30s, 5m or 1h.');
}

const HELP = `
Examples:
  mooring central talk buoy-json --to udp://127.0.0.1:20001 --count 1000 --rate 250 --truth truth.ndjson
  mooring central talk buoy-json --to tcp://127.0.0.1:20001 --seal buoys.key
  mooring central talk lorawan --to http://127.0.0.1:8080/stream --token token --speed 600 --duplicates 0.05
  mooring central talk --workflow devices.json --to mqtt://127.0.0.1:1883
  mooring central talk senml --to mqtt://127.0.0.1:1883 --loss 0.01 --malformed 0.01

Exit status:
  0  everything that was sent was taken
  1  something was refused, or not confirmed before the end
  2  an option or a file is wrong
`;

const HEARD_HELP = `
Examples:
  mooring central heard truth.ndjson records

Exit status:
  0  every reading is there, once, and nothing else of existing devices
  1  something is missing, twice, wrong, or was refused
  2  nothing to judge, or it cannot be read
`;

import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { isBrokerAddress } from '../central/config/kafka.ts';
import { parseDurationMs } from '../runtime/config/values.ts';
import { addCentralVerbs, type CentralVerbs } from './central-verbs.ts';
import { EXIT } from './failure.ts';
import { packageVersion } from './version.ts';

/** Where a verb prints: results to `out`, the rest to `err`. */
export interface Streams {
  readonly out: { write(text: string): unknown };
  readonly err: { write(text: string): unknown };
}

/** What each verb does; every one returns its exit status. */
export interface Verbs extends CentralVerbs {
  run(options: {
    readonly config: string;
    readonly simulate: boolean;
    readonly seed?: number;
    readonly truth?: string;
  }): Promise<number>;
  central(options: { readonly config: string; readonly resume: readonly string[] }): Promise<number>;
  demo(options: {
    readonly data: string;
    readonly forMs?: number;
    readonly plain: boolean;
    readonly kafka?: string;
  }): Promise<number>;
  check(file: string, options: { readonly json: boolean }): Promise<number>;
  schema(kind: 'gateway' | 'central'): Promise<number>;
  audit(
    recordsDir: string,
    options: {
      readonly store?: string;
      readonly forwarder?: string;
      readonly manifests?: boolean;
      readonly json: boolean;
    },
  ): Promise<number>;
  alarms(options: {
    readonly config: string;
    readonly action?: 'ack' | 'silence' | undefined;
    readonly name?: string | undefined;
    readonly station?: string | undefined;
    readonly forMs?: number | undefined;
    readonly json: boolean;
  }): Promise<number>;
  sensors(options: {
    readonly config: string;
    readonly simulate: boolean;
    readonly seed?: number;
    readonly json: boolean;
  }): Promise<number>;
  read(
    station: string | undefined,
    options: { readonly config: string; readonly simulate: boolean; readonly seed?: number; readonly json: boolean },
  ): Promise<number>;
}

/**
 * Reads a command line and runs its verb. Returns the exit status: the verb's own; 0 after `--help` and `--version`; 2
 * for a command line that means nothing.
 */
export async function runCommandLine(args: readonly string[], verbs: Verbs, streams: Streams): Promise<number> {
  let status: number = EXIT.ok;
  const program = programOf(verbs, (result) => {
    status = result;
  });
  for (const command of allOf(program)) {
    command.exitOverride().configureOutput({
      writeOut: (text) => streams.out.write(text),
      writeErr: (text) => streams.err.write(text),
      outputError: (text, write) => write(`mooring: ${text.replace(/^error: /, '')}`),
    });
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return status;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help that was asked for ends well; help that stands in for a missing verb does not.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

function allOf(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allOf)];
}

type Finish = (status: number) => void;

function programOf(verbs: Verbs, finish: Finish): Command {
  const program = new Command('mooring')
    .description('Edge gateway for on-site sensors, and the centre that it reports to. Nothing lost, nothing twice.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .showHelpAfterError('(--help shows what there is)');
  addPrograms(program, verbs, finish);
  addTools(program, verbs, finish);
  addAlarms(program, verbs, finish);
  return program;
}

const RUN_EXAMPLES = [
  'mooring check mooring.yaml && mooring run -c mooring.yaml',
  'mooring run -c examples/city.yaml --simulate --seed 7 --truth truth.ndjson',
];

/** The verbs that go on until they are told to stop. */
function addPrograms(program: Command, verbs: Verbs, finish: Finish): void {
  program
    .command('run')
    .description('the gateway: reads its sensors, keeps every record, brings them to the centre')
    .addOption(configOption("the gateway's configuration"))
    .addOption(simulateOption())
    .addOption(seedOption())
    .addOption(
      new Option('--truth <file>', 'write what is true in the simulated world, each second, NDJSON').implies({
        simulate: true,
      }),
    )
    .action(async (options) => finish(await verbs.run({ simulate: false, ...options })))
    .addHelpText(
      'after',
      examples(RUN_EXAMPLES, {
        0: 'clean stop (SIGTERM, Ctrl-C)',
        1: 'failure',
        2: 'configuration',
        3: 'store in use',
      }),
    );
  const central = program
    .command('central')
    .description('the centre: takes in what gateways send, writes it to its sinks, acknowledges')
    // Mandatory, but not for the verbs below it, which have no configuration of a centre.
    .addOption(new Option('-c, --config <file>', "the centre's configuration"))
    .addOption(
      new Option('--resume <sink>', 'let this sink go on with the oldest records that Kafka still has, this once')
        .argParser((sink: string, before: readonly string[]) => [...before, sink])
        .default([], 'none'),
    )
    .action(async ({ config, ...options }, command) => {
      if (config === undefined) command.error("error: required option '-c, --config <file>' not specified");
      finish(await verbs.central({ config, ...options }));
    })
    .addHelpText(
      'after',
      examples(['mooring central -c central.yaml'], {
        0: 'clean stop (SIGTERM, Ctrl-C)',
        1: 'failure',
        2: 'configuration',
      }),
    )
    .addHelpText(
      'after',
      '\nOver the folders of a centre that is running, a second one stands by until they are free; with Kafka only its' +
        '\nsinks do.\n\nA sink that was away for longer than Kafka keeps records stops with an error and says so. With --resume it' +
        '\nleaves word of the gap and goes on.',
    );
  addCentralVerbs(central, verbs, finish);
  program
    .command('demo')
    .description('a simulated buoy and city station, their gateway and a centre, in one terminal')
    .option('--data <dir>', 'folder for everything that it keeps', 'mooring-data')
    .addOption(new Option('--for <duration>', 'end by itself after this time: 30s, 5m').argParser(durationOf))
    .option('--plain', 'lines of a log instead of the live view')
    .addOption(
      new Option('--kafka <host:port>', 'with this Kafka between ingest and sinks, in topics of its own').argParser(
        brokerOf,
      ),
    )
    .action(async ({ for: forMs, ...options }) => finish(await verbs.demo({ plain: false, ...options, forMs })))
    .addHelpText(
      'after',
      examples([
        'mooring demo',
        'mooring demo --data /tmp/demo --for 30s --plain',
        'mooring demo --kafka 127.0.0.1:9092',
      ]),
    );
}

/** The verbs that answer a question. */
function addTools(program: Command, verbs: Verbs, finish: Finish): void {
  program
    .command('check')
    .description('read a configuration of either kind and print every error in it')
    .argument('<file>', 'the configuration')
    .addOption(jsonOption())
    .action(async (file, options) => finish(await verbs.check(file, { json: false, ...options })))
    .addHelpText(
      'after',
      examples(['mooring check mooring.yaml'], {
        0: 'right, though it may name ports and files that are not on this machine',
        2: 'wrong',
      }),
    );
  program
    .command('schema')
    .description('print the JSON Schema of a configuration, for editors')
    .addArgument(new Argument('[kind]', 'whose').choices(['gateway', 'central']).default('gateway'))
    .action(async (kind) => finish(await verbs.schema(kind)))
    .addHelpText('after', examples(['mooring schema gateway > gateway.schema.json']));
  program
    .command('audit')
    .description('judge whether the files of a sink hold every record of every run, once')
    .argument('<records-dir>', 'the folder that a `files` sink writes to')
    .option(
      '--store <file>',
      "a gateway's store, to compare with; unsent: not acknowledged yet, though the files may have some of it",
    )
    .option('--forwarder <name>', 'which of its forwarders; may be left out where there is one')
    .option('--manifests', 'hold each file to the manifest of its day too, to the byte')
    .addOption(jsonOption())
    .action(async (recordsDir, options) => finish(await verbs.audit(recordsDir, { json: false, ...options })))
    .addHelpText(
      'after',
      examples(['mooring audit mooring-data/records --store mooring-data/store.db'], {
        0: 'complete',
        1: 'holes, duplicates, acknowledged but missing, or not as a manifest says',
        2: 'cannot read, or nothing to judge',
      }),
    );
  program
    .command('sensors')
    .description('scan the buses, name what is recognised, print the YAML to paste')
    .addOption(configOption("the gateway's configuration"))
    .addOption(simulateOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .action(async (options) => finish(await verbs.sensors({ simulate: false, json: false, ...options })))
    .addHelpText(
      'after',
      examples(['mooring sensors -c mooring.yaml', 'mooring sensors -c examples/city.yaml --simulate'], {
        0: 'scanned, whatever was found',
      }),
    );
  program
    .command('read')
    .description('sample every sensor once and print the values; asks the gateway where one is running')
    .argument('[station]', 'only this one')
    .addOption(configOption("the gateway's configuration"))
    .addOption(simulateOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .action(async (station, options) => finish(await verbs.read(station, { simulate: false, json: false, ...options })))
    .addHelpText(
      'after',
      examples(['mooring read -c mooring.yaml', 'mooring read -c mooring.yaml buoy-7 --json'], {
        0: 'every sensor answered',
        1: 'one did not',
      }),
    );
}

/** The verb that asks a running gateway about its alarms. */
function addAlarms(program: Command, verbs: Verbs, finish: Finish): void {
  program
    .command('alarms')
    .description("a running gateway's alarms: show them, acknowledge one, silence one")
    .addArgument(new Argument('[action]', 'what to do with one; left out: they are shown').choices(['ack', 'silence']))
    .argument('[name]', 'the alarm that is acknowledged or silenced')
    .addOption(configOption("the gateway's configuration"))
    .option('--station <name>', 'only of this station')
    .addOption(
      new Option('--for <duration>', 'how long it is silenced; left out: as its configuration says').argParser(
        durationOf,
      ),
    )
    .addOption(jsonOption())
    .action(async (action, name, { for: forMs, ...options }, command) => {
      if (action !== undefined && name === undefined) command.error('error: name the alarm');
      if (forMs !== undefined && action !== 'silence') command.error("error: option '--for' is for silence");
      finish(await verbs.alarms({ json: false, ...options, action, name, forMs }));
    })
    .addHelpText(
      'after',
      examples(
        [
          'mooring alarms -c mooring.yaml',
          'mooring alarms ack hot -c mooring.yaml',
          'mooring alarms silence hot --station buoy-7 --for 30m -c mooring.yaml',
        ],
        { 0: 'shown, or done', 1: 'there is no such alarm', 4: 'no gateway is running' },
      ),
    );
}

function simulateOption(): Option {
  return new Option('--simulate', 'put simulated devices in place of the hardware: no value is real');
}

function seedOption(): Option {
  return new Option('--seed <number>', 'another seed is another simulated world; 1 if left out')
    .argParser(seedOf)
    .implies({ simulate: true });
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (!/^\d{1,10}$/.test(text) || seed > 0xffff_ffff) throw new InvalidArgumentError('Write a whole number.');
  return seed;
}

function durationOf(text: string): number {
  const durationMs = parseDurationMs(text);
  if (durationMs === undefined) throw new InvalidArgumentError('Write a number and its unit: 30s, 5m or 1h.');
  return durationMs;
}

function brokerOf(text: string): string {
  if (!isBrokerAddress(text)) throw new InvalidArgumentError('Write host and port: 127.0.0.1:9092.');
  return text;
}

function configOption(what: string): Option {
  return new Option('-c, --config <file>', what).makeOptionMandatory();
}

function jsonOption(): Option {
  return new Option('--json', 'print one JSON object');
}

function examples(lines: readonly string[], statuses: Readonly<Record<number, string>> = {}): string {
  const exits = Object.entries(statuses).map(([status, meaning]) => `  ${status}  ${meaning}\n`);
  const shown = lines.map((line) => `  ${line}\n`).join('');
  return `\nExamples:\n${shown}${exits.length === 0 ? '' : `\nExit status:\n${exits.join('')}`}`;
}

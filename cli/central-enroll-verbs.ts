import { type Command, InvalidArgumentError, Option } from 'commander';
import type { EnrollOptions, RevokeOptions } from './central-enroll.ts';

/** What these verbs do; every one returns its exit status. */
export interface EnrollVerbs {
  centralEnroll(gateway: string, options: EnrollOptions): Promise<number>;
  centralRevoke(gateway: string, options: RevokeOptions): Promise<number>;
}

const PORT_MAX = 65_535;
const DAYS_MAX = 3650;

/** The verbs that say who may speak to the centre. */
export function addEnrollVerbs(central: Command, verbs: EnrollVerbs, finish: (status: number) => void): void {
  central
    .command('enroll')
    .description("make a gateway's certificate, password, UDP key and rules at the broker, and print its `forward`")
    .argument('<gateway>', 'its name')
    .addOption(folderOption())
    .option('--host <host>', 'name or address of the centre, as gateways reach it; said once')
    .addOption(
      new Option(
        '--also <host>',
        "another name of the broker, for its certificate; with --host, and before the broker's is made",
      )
        .argParser((host: string, before: readonly string[]) => [...before, host])
        .default([], 'none'),
    )
    .addOption(new Option('--mqtt-port <port>', 'with --host').default(8883).argParser(wholeUpTo(PORT_MAX)))
    .addOption(new Option('--udp-port <port>', 'with --host').default(20_100).argParser(wholeUpTo(PORT_MAX)))
    .addOption(
      new Option('--days <days>', 'how long the certificate is good for').default(730).argParser(wholeUpTo(DAYS_MAX)),
    )
    .option('--renew', 'a new certificate for one that is enrolled; the old one stays good until its end', false)
    .addOption(pidOption())
    .action(async (gateway, options) => finish(await verbs.centralEnroll(gateway, options)))
    .addHelpText('after', ENROLL_HELP);
  central
    .command('revoke')
    .description('take back all that a gateway was given: what it has open is closed, and it does not get in again')
    .argument('<gateway>', 'its name')
    .addOption(folderOption())
    .addOption(pidOption())
    .action(async (gateway, options) => finish(await verbs.centralRevoke(gateway, options)))
    .addHelpText('after', REVOKE_HELP);
}

function folderOption(): Option {
  return new Option('--folder <dir>', 'folder of the authority and what it hands out; made at first use').default(
    'authority',
  );
}

function pidOption(): Option {
  return new Option('--mosquitto-pid <file>', 'send SIGHUP to the Mosquitto whose process id this file holds');
}

function wholeUpTo(max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < 1 || number > max) {
      throw new InvalidArgumentError(`Write a whole number from 1 to ${max}.`);
    }
    return number;
  };
}

const ENROLL_HELP = `
Examples:
  mooring central enroll plaka --host centre.example
  mooring central enroll plaka --renew --mosquitto-pid /run/mosquitto/mosquitto.pid

Exit status:
  0  enrolled
  1  it is already, or something failed
`;
const REVOKE_HELP = `
Examples:
  mooring central revoke plaka --mosquitto-pid /run/mosquitto/mosquitto.pid

Exit status:
  0  taken back
  1  there is no such gateway, or something failed
`;

import { pbkdf2Sync } from 'node:crypto';
import { topicOf } from '../../protocol/topics.ts';
import type { Random } from '../../runtime/random.ts';

/** The user that the centre's copies are at the broker. */
export const CENTRE = 'centre';
/** As `mosquitto_passwd` of 2.0 writes it; the passwords here are 32 random bytes, which need no slow hash. */
const ITERATIONS = 101;
const SALT_BYTES = 12;
const HASH_BYTES = 64;
const USER = /^user\s+(.+?)\s*$/;

/** A user's line of Mosquitto's `password_file`: PBKDF2 with SHA-512. Source: `mosquitto_passwd` of 2.0.11. */
export function passwordLine(user: string, password: string, random: Random): string {
  const salt = Buffer.from(random.bytes(SALT_BYTES));
  const hash = pbkdf2Sync(password, salt, ITERATIONS, HASH_BYTES, 'sha512');
  return `${user}:$7$${ITERATIONS}$${salt.toString('base64')}$${hash.toString('base64')}`;
}

/** The `password_file` with this line in place of the user's, or without the user. */
export function withPassword(text: string, user: string, line: string | undefined): string {
  const others = text.split('\n').filter((each) => each !== '' && !each.startsWith(`${user}:`));
  return lines(line === undefined ? others : [...others, line]);
}

/** What a gateway may do: write its batches and its state, read its acks. */
export function gatewayRules(gateway: string): readonly string[] {
  return [
    `topic write ${topicOf(gateway, 'batch')}`,
    `topic write ${topicOf(gateway, 'state')}`,
    `topic read ${topicOf(gateway, 'ack')}`,
  ];
}

/** What the centre may do; the plus stands for any gateway. */
export const CENTRE_RULES: readonly string[] = [
  'topic read mooring/1/+/batch',
  'topic read mooring/1/+/state',
  'topic write mooring/1/+/ack',
];

/** The `acl_file` with these rules in place of the user's, or without the user. What others have stays as it is written. */
export function withRules(text: string, user: string, rules: readonly string[] | undefined): string {
  const kept: string[] = [];
  let isOfUser = false;
  for (const line of text.replace(/\n+$/, '').split('\n')) {
    const [, named] = USER.exec(line) ?? [];
    if (named !== undefined) isOfUser = named === user;
    if (!isOfUser) kept.push(line);
  }
  while (kept.at(-1) === '') kept.pop();
  if (rules === undefined) return lines(kept);
  return lines([...kept, ...(kept.length === 0 ? [] : ['']), `user ${user}`, ...rules]);
}

/** Whether a file of either kind names the user. */
export function namesUser(text: string, user: string): boolean {
  return text.split('\n').some((line) => line.startsWith(`${user}:`) || USER.exec(line)?.[1] === user);
}

function lines(all: readonly string[]): string {
  return all.length === 0 ? '' : `${all.join('\n')}\n`;
}

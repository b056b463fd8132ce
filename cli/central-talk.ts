import assert from 'node:assert/strict';
import type { BrokerClientConfig } from '../runtime/config/broker.ts';
import { silentLog } from '../runtime/log.ts';
import type { DeviceMessage } from '../sim/talkers/devices/device.ts';
import { type Disturbance, type DisturbedMessage, disturbed } from '../sim/talkers/devices/disturbed.ts';
import { type ProfileOptions, profileTalker, type TalkProfile } from './central-talk/profiles.ts';
import { openSender, type Sender } from './central-talk/sender.ts';
import { type Outcome, TruthFile, truthLineOf } from './central-talk/truth.ts';
import { EXIT } from './failure.ts';
import type { Host } from './host.ts';

export interface TalkOptions
  extends Pick<ProfileOptions, 'seed' | 'devices' | 'zone'>,
    Pick<Disturbance, 'loss' | 'duplicates' | 'reorder' | 'malformed'> {
  readonly to: URL;
  /** Messages a second; in the devices' own time when left out. */
  readonly rate?: number | undefined;
  /** The devices' messages, lost ones among them; without end when left out. */
  readonly count?: number | undefined;
  readonly forMs?: number | undefined;
  /** Of the devices' time: UTC, milliseconds since 1970; now when left out. */
  readonly startMs?: number | undefined;
  /** Seconds of the devices' time in a second. */
  readonly speed: number;
  readonly truth?: string | undefined;
  readonly token?: string | undefined;
  readonly seal?: string | undefined;
  /** A file with what is said, where no profile is. */
  readonly workflow?: string | undefined;
  readonly broker: Omit<BrokerClientConfig, 'url'>;
  readonly json: boolean;
}

/** What `mooring central talk --json` prints. */
export interface TalkReport {
  /** The devices' messages. */
  readonly messages: number;
  /** What left: copies and malformed ones among it. */
  readonly sent: number;
  readonly copies: number;
  readonly malformed: number;
  /** Never left, on purpose. */
  readonly lost: number;
  /** Refused for good by whoever was there, though they were as they should be. */
  readonly refused: number;
  /** Not confirmed before the end. */
  readonly unknown: number;
}

/**
 * `mooring central talk PROFILE --to URL`: speaks as existing devices do, until told to stop, or as long or as often as is
 * said; then waits for what is under way. Prints what it has sent. Returns the exit status: 1 where anything was refused
 * or not confirmed. Rejects with what is wrong with the address, a file, or who is there.
 */
export async function runCentralTalk(
  profile: TalkProfile | undefined,
  options: TalkOptions,
  host: Pick<Host, 'clock' | 'pid' | 'stop' | 'streams'>,
): Promise<number> {
  const { clock, stop } = host;
  const startMs = options.startMs ?? clock.wallMs();
  const truth = options.truth === undefined ? undefined : new TruthFile(options.truth);
  try {
    const sender = await openSender({
      to: options.to,
      tokenFile: options.token,
      sealFile: options.seal,
      broker: options.broker,
      clientId: `mooring-talk-${profile ?? 'workflow'}-${host.pid}`,
      clock,
      log: silentLog,
    });
    const talk = new Talk(sender, truth, clock, stop);
    try {
      const { seed, loss = 0, duplicates = 0, reorder = 0, malformed = 0 } = options;
      const said = some(await talkerOf(profile, { ...options, startMs }), options.count);
      const { textOnly } = sender;
      await talk.say(disturbed(said, { seed, loss, duplicates, reorder, malformed, textOnly }), {
        ...options,
        startMs,
      });
    } finally {
      await sender.close();
    }
    const report = talk.report();
    host.streams.out.write(options.json ? `${JSON.stringify(report)}\n` : inWords(report));
    return report.refused + report.unknown === 0 ? EXIT.ok : EXIT.failure;
  } finally {
    truth?.close();
  }
}

async function talkerOf(
  profile: TalkProfile | undefined,
  options: ProfileOptions & Pick<TalkOptions, 'workflow'>,
): Promise<Iterable<DeviceMessage>> {
  if (profile !== undefined) return profileTalker(profile, options);
  const { talkerOfFile } = await import('./central-talk/workflow-file.ts');
  assert(options.workflow !== undefined, 'one of the two is named');
  return talkerOfFile(options.workflow, options);
}

type Pace = Pick<TalkOptions, 'rate' | 'forMs' | 'speed'> & { readonly startMs: number };

class Talk {
  readonly #sender: Sender;
  readonly #truth: TruthFile | undefined;
  readonly #clock: Host['clock'];
  readonly #stop: AbortSignal;
  readonly #failed = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  readonly #counts = { messages: 0, sent: 0, copies: 0, malformed: 0, lost: 0, refused: 0, unknown: 0 };

  constructor(sender: Sender, truth: TruthFile | undefined, clock: Host['clock'], stop: AbortSignal) {
    this.#sender = sender;
    this.#truth = truth;
    this.#clock = clock;
    this.#stop = stop;
  }

  report(): TalkReport {
    return { ...this.#counts };
  }

  async say(messages: Iterable<DisturbedMessage>, { rate, forMs = Infinity, speed, startMs }: Pace): Promise<void> {
    const begunMs = this.#clock.monotonicMs();
    const ended = AbortSignal.any([this.#stop, this.#failed.signal]);
    let turn = 0;
    for (const message of messages) {
      const dueMs = rate === undefined ? (message.atMs - startMs) / speed : (turn * 1000) / rate;
      if (dueMs >= forMs) break;
      turn += 1;
      const waitMs = begunMs + dueMs - this.#clock.monotonicMs();
      if (waitMs > 0) await this.#clock.sleep(waitMs, ended).catch(() => undefined);
      while (this.#underWay.size >= this.#sender.atOnce && !ended.aborted) await Promise.race(this.#underWay);
      if (ended.aborted) break;
      this.#begin(message, ended);
    }
    await Promise.all(this.#underWay);
    // What nobody can send is no talk: the reason is the sender's.
    this.#failed.signal.throwIfAborted();
  }

  #begin(message: DisturbedMessage, ended: AbortSignal): void {
    if (message.fate !== 'copy') this.#counts.messages += 1;
    if (message.fate === 'lost') {
      this.#counts.lost += 1;
      this.#truth?.write(truthLineOf(message, undefined));
      return;
    }
    const sending = this.#send(message, ended).finally(() => this.#underWay.delete(sending));
    this.#underWay.add(sending);
  }

  async #send(message: DisturbedMessage, ended: AbortSignal): Promise<void> {
    const atMs = this.#clock.wallMs();
    let outcome: Outcome = 'unknown';
    try {
      outcome = await this.#sender.send(message, ended);
    } catch (error) {
      if (!ended.aborted) this.#failed.abort(error);
    }
    const counts = this.#counts;
    counts.sent += 1;
    if (message.fate === 'copy') counts.copies += 1;
    if (message.fate === 'malformed') counts.malformed += 1;
    else if (outcome === 'refused') counts.refused += 1;
    if (outcome === 'unknown') counts.unknown += 1;
    this.#truth?.write(truthLineOf(message, { outcome, atMs }));
  }
}

function* some(talker: Iterable<DeviceMessage>, count = Infinity): Generator<DeviceMessage, void, void> {
  let said = 0;
  for (const message of talker) {
    if (said >= count) return;
    said += 1;
    yield message;
  }
}

function inWords({ messages, sent, copies, malformed, lost, refused, unknown }: TalkReport): string {
  const parts = [
    `${copies} copies`,
    `${malformed} malformed`,
    `${lost} lost on purpose`,
    `${refused} refused`,
    `${unknown} not confirmed`,
  ];
  return `${messages} messages, ${sent} sent: ${parts.join(', ')}\n`;
}

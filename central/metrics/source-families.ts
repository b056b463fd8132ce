import type { ForeignStatus, SourceStatus } from '../foreign-ways.ts';
import { FOREIGN_REFUSAL_CODES } from '../ingest/foreign/foreign-letters.ts';
import { HTTP_REFUSALS, type HttpSourcesStatus } from '../ingest/foreign/http-source.ts';
import type { Families } from './families.ts';

/** A way in of a source, as it is counted. */
export interface SourceWay {
  readonly way: 'mqtt' | 'udp' | 'tcp' | 'http' | 'kafka';
  /** It is connected, listens, or is a member of the group of each of its topics. */
  readonly isUp: boolean;
  /** Messages that nothing was made of, by why. */
  readonly refused: Readonly<Record<string, number>>;
  readonly replies: number;
}

/** The ways in that a source has. */
export function waysOf(source: SourceStatus, http: HttpSourcesStatus | undefined): readonly SourceWay[] {
  const { mqtt, udp, tcp, kafka } = source;
  const ways: SourceWay[] = [];
  if (mqtt !== undefined) {
    const { isConnected: isUp, ignored, replies } = mqtt;
    ways.push({ way: 'mqtt', isUp, refused: { ignored }, replies });
  }
  if (udp !== undefined) {
    const { address, tooLong: large, lost, replies } = udp;
    ways.push({ way: 'udp', isUp: address !== undefined, refused: { large, lost }, replies });
  }
  if (tcp !== undefined) {
    const { address, tooLong: large, lost, displaced, replies } = tcp;
    ways.push({ way: 'tcp', isUp: address !== undefined, refused: { large, lost, displaced }, replies });
  }
  const route = http?.routes.find((each) => each.source === source.name);
  if (route !== undefined) {
    const refused = Object.fromEntries(HTTP_REFUSALS.map((reason) => [reason, route.refused[reason]]));
    ways.push({ way: 'http', isUp: http?.address !== undefined, refused, replies: route.replies });
  }
  if (kafka.length > 0) {
    const sum = (of: (topic: (typeof kafka)[number]) => number): number => kafka.reduce((all, one) => all + of(one), 0);
    const refused = { empty: sum(({ empty }) => empty), lost: sum(({ lost }) => lost) };
    ways.push({ way: 'kafka', isUp: kafka.every(({ isJoined }) => isJoined), refused, replies: 0 });
  }
  return ways;
}

/** Existing devices, by the source that they belong to. */
export function sourceFamilies(families: Families): (foreign: ForeignStatus | undefined) => void {
  const setIntake = intakeFamilies(families);
  const labels = ['source', 'way'];
  const up = families.gauge('source_up', '1 while this way in of a source is connected or listens.', labels);
  const refused = families.total('source_refused', 'Messages of a source that nothing was made of.', [
    ...labels,
    'reason',
  ]);
  const replies = families.total('source_replies', 'Replies to devices of a source.', labels);
  const unsealed = families.total('source_seal_refused', 'Messages whose seal or sequence was refused.', [
    'source',
    'reason',
  ]);
  const devices = families.gauge('registry_devices', 'Devices that a registry knows.', ['registry']);
  return (foreign) => {
    for (const source of foreign?.sources ?? []) {
      setIntake(source);
      for (const { way, ...status } of waysOf(source, foreign?.http)) {
        const place = { source: source.name, way };
        up.set(place, status.isUp ? 1 : 0);
        replies.set(place, status.replies);
        for (const [reason, count] of Object.entries(status.refused)) refused.set({ ...place, reason }, count);
      }
    }
    for (const { name: source, seal } of foreign?.sources ?? []) {
      for (const [reason, count] of Object.entries(seal?.refused ?? {})) unsealed.set({ source, reason }, count);
    }
    for (const { name: registry, devices: count } of foreign?.registries ?? []) devices.set({ registry }, count);
  };
}

function intakeFamilies(families: Families): (source: SourceStatus) => void {
  const labels = ['source'];
  const messages = families.total('source_messages', 'Messages of a source that were taken.', labels);
  const records = families.total('source_records', 'Records that were made of them.', labels);
  const duplicates = families.total('source_duplicates', 'Records that came again and were not written.', labels);
  const letters = families.total('source_dead_letters', 'Parts of them that went to the dead letter.', [
    ...labels,
    'code',
  ]);
  const away = families.total('source_turned_away', 'Times that a message could not be taken.', [...labels, 'reason']);
  const waiting = families.gauge('source_waiting_bytes', 'Messages of a source that wait for the log.', labels);
  const failing = families.gauge('source_failing', '1 while nothing of a source could be stored.', labels);
  const last = families.gauge('source_last_message_timestamp_seconds', 'When a message was taken last.', labels);
  return ({ name: source, intake }) => {
    messages.set({ source }, intake.messages);
    records.set({ source }, intake.records);
    duplicates.set({ source }, intake.duplicates);
    for (const code of FOREIGN_REFUSAL_CODES) letters.set({ source, code }, intake.refusedBy.get(code) ?? 0);
    away.set({ source, reason: 'busy' }, intake.busy);
    away.set({ source, reason: 'failed' }, intake.failed);
    waiting.set({ source }, intake.bytesWaiting);
    failing.set({ source }, intake.isFailing ? 1 : 0);
    if (intake.takenMs !== undefined) last.set({ source }, intake.takenMs / 1000);
  };
}

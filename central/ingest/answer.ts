import { type Ack, type RejectCode, sinkRejectCode } from '../../protocol/ack.ts';
import { encodeAck } from '../../protocol/ack-codec.ts';
import type { Range } from '../../protocol/intervals.ts';
import { BOUNDS } from '../../protocol/record.ts';

/** What became of a batch's records. The parts are disjoint, and hold no sequence that was not in the batch. */
export interface Verdict {
  readonly stored: readonly Range[];
  readonly held: readonly Range[];
  readonly rejected: readonly { readonly ranges: readonly Range[]; readonly code: RejectCode }[];
}

/** The part of an ack that says which batch it answers. */
export type BatchAddress = Pick<Ack, 'salt' | 'batch' | 'token'>;

/** Without the batch's records, which an answer that comes late must not keep. */
export function addressOf({ salt, batch, token }: BatchAddress): BatchAddress {
  return { salt, batch, token };
}

/**
 * The acks that say a verdict. A batch has few enough ranges for one, but where refused records lie between stored ones
 * their ranges do not fit, and neither do many that lie far apart into a datagram; then it takes several: each is true by
 * itself, in any order. None has more bytes than a record may have, so each goes whatever way its batch came.
 */
export function acksOf(batch: BatchAddress, { stored, held, rejected }: Verdict): Ack[] {
  const partsOf = ({ ranges, code }: Verdict['rejected'][number]): Part[] =>
    ranges.map((range) => ({ range, is: code }));
  const plain: Part[] = [
    ...stored.map((range): Part => ({ range, is: 'stored' })),
    ...held.map((range): Part => ({ range, is: 'held' })),
    ...rejected.filter(({ code }) => !isOfSink(code)).flatMap(partsOf),
  ];
  // A gateway that does not know such a code ignores the whole ack, and must not miss the others for it.
  const ofSinks = rejected.filter(({ code }) => isOfSink(code)).map(partsOf);
  return [plain, ...ofSinks].flatMap((parts) => {
    const acks: Ack[] = [];
    for (let from = 0; from < parts.length; from += BOUNDS.rangesPerAck) {
      acks.push(...acksThatSay(batch, parts.slice(from, from + BOUNDS.rangesPerAck)));
    }
    return acks;
  });
}

function isOfSink(code: RejectCode): boolean {
  return code.startsWith(sinkRejectCode(''));
}

/** So many ranges always fit, beside the name of a sink: each takes 16 bytes at most. */
const FEW_RANGES = 48;

function acksThatSay(batch: BatchAddress, parts: readonly Part[]): Ack[] {
  const ack = { ...addressOf(batch), ...saidOf(parts) };
  if (parts.length <= FEW_RANGES || encodeAck(ack).length <= BOUNDS.recordBytes) return [ack];
  const middle = parts.length >>> 1;
  return [...acksThatSay(batch, parts.slice(0, middle)), ...acksThatSay(batch, parts.slice(middle))];
}

interface Part {
  readonly range: Range;
  readonly is: 'stored' | 'held' | RejectCode;
}

function saidOf(parts: readonly Part[]): Pick<Ack, 'stored' | 'held' | 'rejected'> {
  const ranges = Map.groupBy(parts, ({ is }) => is);
  const stored = ranges.get('stored')?.map(({ range }) => range);
  const held = ranges.get('held')?.map(({ range }) => range);
  const rejected = [...ranges].flatMap(([code, some]) =>
    code === 'stored' || code === 'held' ? [] : [{ code, ranges: some.map(({ range }) => range) }],
  );
  return {
    ...(stored === undefined ? {} : { stored }),
    ...(held === undefined ? {} : { held: { ranges: held, seconds: BOUNDS.heldSecondsMax } }),
    ...(rejected.length === 0 ? {} : { rejected }),
  };
}

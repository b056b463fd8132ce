import { readFileSync } from 'node:fs';
import type { FlatRecord } from '../central/recordlog/recordlog.ts';
import { MooringError } from '../runtime/errors.ts';
import { findHourFiles, recordsOf } from './audit/hour-files.ts';
import { type HeardReport, Judge } from './central-talk/judge.ts';
import type { TruthLine } from './central-talk/truth.ts';
import { EXIT } from './failure.ts';
import type { Streams } from './program.ts';

/**
 * `mooring central heard TRUTH RECORDS_DIR`: whether the files of a sink have what the devices of a truth file said, once, and
 * nothing else of existing devices. Returns the exit status: 0 they have, 1 not, 2 there is nothing to judge. Throws
 * `AUDIT_UNREADABLE`.
 */
export async function runCentralHeard(
  truthFile: string,
  recordsDir: string,
  { json }: { readonly json: boolean },
  out: Streams['out'],
): Promise<number> {
  const judge = new Judge();
  for (const line of truthLines(truthFile)) judge.addTruth(line);
  for (const path of await findHourFiles(recordsDir)) {
    for await (const record of recordsOf(recordsDir, path, () => undefined)) {
      judge.addRecord(record as unknown as FlatRecord);
    }
  }
  const report = judge.report();
  out.write(json ? `${JSON.stringify(report)}\n` : inWords(report));
  if (report.expected === 0) return EXIT.usage;
  return report.ok ? EXIT.ok : EXIT.failure;
}

/** The last line may be cut off, where the talk was killed. */
function truthLines(path: string): readonly TruthLine[] {
  try {
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as TruthLine);
  } catch (cause) {
    throw new MooringError('AUDIT_UNREADABLE', 'the truth file cannot be read', {
      cause,
      context: { path },
      hint: 'Give the file that `mooring central talk --truth` wrote.',
    });
  }
}

function inWords(report: HeardReport): string {
  const { ok, expected, found, missing, missing_count, repeated, unexpected, unexpected_count, refused } = report;
  const list = (name: string, some: readonly string[]): string => some.map((one) => `${name}: ${one}\n`).join('');
  const verdict = expected === 0 ? 'nothing to judge' : ok ? 'complete' : 'NOT COMPLETE';
  const counts = [
    `${found} of ${expected} readings`,
    `${missing_count} missing`,
    `${repeated} twice`,
    `${unexpected_count} unexpected`,
    `${refused} refused`,
  ];
  return `${list('missing', missing)}${list('unexpected', unexpected)}${verdict}: ${counts.join(', ')}\n`;
}

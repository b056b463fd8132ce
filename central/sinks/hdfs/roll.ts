import { ParquetRecordFile } from '../parquet/record-file.ts';
import { eventDayOf } from '../remote/event-date.ts';
import { type Journal, nameOf, type SealedFile } from './journal.ts';
import type { WebHdfs } from './web-hdfs.ts';

interface DateFile {
  readonly parquet: ParquetRecordFile;
  /** Of existing devices. */
  readonly ids: string[];
}

/**
 * Makes files of what is in the log, one a date of events, and seals it: they appear once the seal is written, and not
 * before. What others write meanwhile goes into further files.
 */
export async function roll(hdfs: WebHdfs, journal: Journal): Promise<void> {
  const { generation } = journal;
  const files: SealedFile[] = [];
  for (let done = 0; ; ) {
    const made = await filesOf(hdfs, journal, done);
    if (made !== undefined) {
      files.push(...made);
      done = journal.entries.length;
      if ((await journal.seal(files)) === 'done') return;
    }
    await journal.catchUp();
    if (journal.generation === generation) continue;
    // Another one was faster.
    for (const { from } of files) await hdfs.delete(from);
    return;
  }
}

/** Of the entries from the one at `first` on; undefined where the generation is gone. */
async function filesOf(hdfs: WebHdfs, journal: Journal, first: number): Promise<SealedFile[] | undefined> {
  const dates = new Map<string, DateFile>();
  const entries = journal.entries.slice(first);
  for (const entry of entries) {
    const records = await journal.recordsOf(entry);
    if (records === undefined) return undefined;
    for (const record of records) {
      const date = eventDayOf(record.flat);
      const file = dates.get(date) ?? { parquet: new ParquetRecordFile(), ids: [] };
      dates.set(date, file);
      file.parquet.add(record);
      if (record.place === undefined) file.ids.push(record.flat.id);
    }
  }
  const numbers = [entries[0]?.number ?? 0, entries.at(-1)?.number ?? 0].map(nameOf).join('-');
  const name = `${nameOf(journal.generation)}-${numbers}`;
  const files: SealedFile[] = [];
  const put = async (content: Uint8Array, to: string): Promise<void> => {
    const from = journal.temporary();
    await hdfs.put(from, content);
    files.push({ from, to });
  };
  for (const [date, { parquet, ids }] of dates) {
    if (ids.length > 0) await put(Buffer.from(`${ids.join('\n')}\n`), `${journal.home}/ids/${date}/${name}`);
    await put(parquet.finish(), `${journal.root}/date=${date}/${name}.parquet`);
  }
  return files;
}

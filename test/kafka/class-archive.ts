import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Programs } from '../processes.ts';
import { CHEAP_START, KafkaBroker } from './broker.ts';
import { classArchivePath, kafkaFolder } from './jars.ts';

/**
 * Makes an archive of the classes that a broker loads, where there is none: starts one, and lets Java write them at its
 * end. That takes some 20 s, once a machine, and halves each start after that.
 */
export async function makeClassArchive(): Promise<void> {
  if (existsSync(classArchivePath())) return;
  const folder = mkdtempSync(join(kafkaFolder(), 'archive.'));
  const programs = new Programs();
  try {
    const made = join(folder, 'kafka.jsa');
    const java = [...CHEAP_START, `-XX:ArchiveClassesAtExit=${made}`, '-Xlog:cds=off'];
    const broker = await KafkaBroker.prepare({ folder: join(folder, 'broker'), programs, java });
    await broker.start();
    await broker.stop();
    renameSync(made, classArchivePath());
  } finally {
    await programs.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

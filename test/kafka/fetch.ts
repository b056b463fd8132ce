/** What `npm test` runs before its tests: gets the jars of Kafka. Prints nothing where everything is there. */
import { existsSync } from 'node:fs';
import { makeClassArchive } from './class-archive.ts';
import { classArchivePath, fetchKafkaJars, hasKafkaJars, KAFKA_VERSION, kafkaFolder } from './jars.ts';

const print = (text: string): void => void process.stderr.write(`${text}\n`);
try {
  if (!hasKafkaJars()) print(`fetching Kafka ${KAFKA_VERSION} with Maven into ${kafkaFolder()}`);
  fetchKafkaJars();
  if (!existsSync(classArchivePath())) print('making an archive of its classes, which halves what a start costs');
  await makeClassArchive();
} catch (error) {
  print((error as Error).message);
  process.exitCode = 1;
}

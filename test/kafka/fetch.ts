/** What `npm test` runs before its tests: gets the jars of Kafka. Prints nothing where they are there. */
import { fetchKafkaJars, hasKafkaJars, KAFKA_VERSION, kafkaFolder } from './jars.ts';

try {
  if (!hasKafkaJars()) process.stderr.write(`fetching Kafka ${KAFKA_VERSION} with Maven into ${kafkaFolder()}\n`);
  fetchKafkaJars();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}

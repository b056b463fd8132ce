import { beforeAll, describe } from 'vitest';
import { KAFKA_CLIENTS } from '../../central/config/types.ts';
import { sharedKafka } from '../kafka/shared.ts';
import { ADDRESS, harnessOf, moduleUrlOf } from './kafka-log.ts';
import { describeRecordLog } from './recordlog.ts';

describe('Kafka', { tags: ['kafka'] }, () => {
  beforeAll(async () => {
    process.env[ADDRESS] = await sharedKafka();
  }, 120_000);

  for (const kind of KAFKA_CLIENTS) describeRecordLog(kind, harnessOf(kind), moduleUrlOf(kind));
});

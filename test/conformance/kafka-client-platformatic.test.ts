import { describeKafkaClient } from './kafka-client.ts';

describeKafkaClient('platformatic');

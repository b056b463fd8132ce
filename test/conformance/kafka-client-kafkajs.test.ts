import { describeKafkaClient } from './kafka-client.ts';

describeKafkaClient('kafkajs');

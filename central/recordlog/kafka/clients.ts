import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';
import type { KafkaClientKind } from '../../config/types.ts';
import type { KafkaClient } from './client.ts';

export interface KafkaClientOptions {
  /** `HOST:PORT` each; any of them tells of the others. */
  readonly brokers: readonly string[];
  /** What the broker's own log calls this program. */
  readonly clientId: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** The client of that kind; of the two packages only its own is loaded. Connects to nothing yet. */
export async function createKafkaClient(kind: KafkaClientKind, options: KafkaClientOptions): Promise<KafkaClient> {
  switch (kind) {
    case 'kafkajs': {
      const { KafkaJsClient } = await import('./kafkajs/kafkajs-client.ts');
      return new KafkaJsClient(options);
    }
    case 'platformatic': {
      const { PlatformaticClient } = await import('./platformatic/platformatic-client.ts');
      return new PlatformaticClient(options);
    }
  }
}

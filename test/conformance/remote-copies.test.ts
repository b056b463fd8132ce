import { describe } from 'vitest';
import { sharedKafka } from '../kafka/shared.ts';
import { harness } from './mariadb-harness.ts';
import { describeRemoteCopies } from './remote-copies.ts';

describe('copies', { tags: ['kafka', 'mariadb'] }, () => {
  describeRemoteCopies('mariadb', harness, new URL('./mariadb-harness.ts', import.meta.url).href, sharedKafka);
});

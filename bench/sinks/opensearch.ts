import assert from 'node:assert/strict';
import { actionOf } from '../../central/sinks/elasticsearch/bulk.ts';
import { ElasticsearchStore } from '../../central/sinks/elasticsearch/elasticsearch-store.ts';
import { indexOf } from '../../central/sinks/elasticsearch/index-name.ts';
import type { StoreRecord } from '../../central/sinks/remote/remote-store.ts';
import { systemClock } from '../../runtime/clock.ts';
import { OpenSearch } from '../../test/engines/opensearch.ts';
import { HttpByHand } from './http-by-hand.ts';
import type { SinkBench } from './sink-bench.ts';

const NDJSON = 'application/x-ndjson';
const NAMING = { index: 'hand', period: 'day' } as const;

export const opensearch: SinkBench = {
  name: 'opensearch',
  batches: [500, 1000, 2000],
  records: 4000,
  turns: 3,
  async open() {
    const server = await OpenSearch.start(2);
    const { url } = server;
    const [store, hand] = ['ours', 'hand'].map(
      (index) => new ElasticsearchStore({ name: index, url, index, period: 'day', clock: systemClock }),
    ) as [ElasticsearchStore, ElasticsearchStore];
    for (const each of [store, hand]) await each.open(new AbortController().signal);
    await hand.close();
    const http = new HttpByHand(url);
    let isChecked = false;
    return {
      write: (records) => store.write(records),
      async writeByHand(records) {
        const body = records.map(handActionOf).join('');
        if (!isChecked)
          assert.equal(body, records.map((each, at) => actionOf(each, at, indexOf(each.flat, NAMING)).text).join(''));
        isChecked = true;
        const answer = await http.send('POST', '/_bulk?filter_path=errors', NDJSON, body);
        if (answer !== '{"errors":false}') throw new Error(answer);
      },
      async close() {
        await Promise.all([store.close(), http.close()]);
        await server.stop();
      },
    };
  },
};

function handActionOf({ flat, json, place }: StoreRecord): string {
  const index = `hand-${flat.timestamp.slice(0, 10).replaceAll('-', '.')}`;
  const added = `,"run":"${place?.run}","sequence":${place?.sequence}}`;
  return `{"create":{"_index":"${index}","_id":"${flat.id}"}}\n${json.slice(0, -1)}${added}\n`;
}

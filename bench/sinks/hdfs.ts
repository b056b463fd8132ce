import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { HdfsStore } from '../../central/sinks/hdfs/hdfs-store.ts';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { Hdfs } from '../../test/engines/hdfs.ts';
import { HttpByHand } from './http-by-hand.ts';
import type { SinkBench } from './sink-bench.ts';

const DEADLINE_MS = 60_000;
const OCTETS = 'application/octet-stream';

export const hdfs: SinkBench = {
  name: 'hdfs',
  batches: [2000, 5000, 10_000],
  records: 10_000,
  turns: 5,
  async open() {
    const server = await Hdfs.start();
    const { url } = server;
    const shared = { url, deadlineMs: DEADLINE_MS, clock: systemClock, random: systemRandom };
    const store = new HdfsStore({ ...shared, name: 'ours', path: '/ours', user: 'bench' });
    await store.open(new AbortController().signal);
    const http = new HttpByHand(url);
    const ask = (path: string, query: string): Promise<string> =>
      http.send('PUT', `/webhdfs/v1${path}?user.name=bench&${query}`, OCTETS, '');
    await ask('/hand/tmp', 'op=MKDIRS');
    await ask('/hand/log', 'op=MKDIRS');
    let files = 0;
    return {
      write: (records) => store.write(records),
      async writeByHand(records) {
        const content = Buffer.from(records.map(({ json }) => `${json}\n`).join(''));
        files += 1;
        const name = String(files);
        const answer = await ask(`/hand/tmp/${name}`, 'op=CREATE&overwrite=true&noredirect=true');
        const { Location } = JSON.parse(answer) as { Location: string };
        await uploaded(Location, content);
        await ask(`/hand/tmp/${name}`, `op=RENAME&destination=/hand/log/${name}&renameoptions=NONE`);
      },
      async close() {
        await Promise.all([store.close(), http.close()]);
        await server.stop();
      },
    };
  },
};

/** As the sink does it, by Node's own client: undici gives up on a DataNode, which says `100 Continue` unasked. */
async function uploaded(url: string, content: Buffer): Promise<void> {
  const headers = { 'content-type': OCTETS, 'content-length': content.length };
  const sent = request(url, { method: 'PUT', headers });
  const answered = once(sent, 'response');
  sent.end(content);
  const [answer] = (await answered) as [IncomingMessage];
  await answer.toArray();
  if (answer.statusCode !== 201) throw new Error(`${answer.statusCode} of ${url}`);
}

import { describeRemoteStore } from '../conformance/remote-store.ts';
import { harness } from './hdfs-harness.ts';

describeRemoteStore('hdfs', harness, new URL('./hdfs-harness.ts', import.meta.url).href);

import { harness as directLog } from './direct-log.ts';
import { harness as filesSink } from './files-sink.ts';
import { describeRecordLog } from './recordlog.ts';
import { describeSink } from './sink.ts';

describeSink('files', filesSink, new URL('./files-sink.ts', import.meta.url).href);
describeRecordLog('direct', directLog, new URL('./direct-log.ts', import.meta.url).href);

import { z } from 'zod';
import type { Path } from '../../../runtime/config/document.ts';
import type { ConfigReader } from '../../../runtime/config/reader.ts';
import { duration, pattern } from '../../../runtime/config/values.ts';
import type { HdfsConfig } from '../types.ts';
import { type ConnectionKeys, caOf, checkCaOfUrl, loginOf, storeUrl } from './connection.ts';

/** What every file system and every reader of it takes: no `:`, which HDFS has not, and no name that means another folder. */
const FOLDER = /^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._=-]{1,255})+$/;

/** `sinks.NAME.hdfs`. */
export const hdfsSchema = z.strictObject({
  url: storeUrl().describe('The NameNode, `http://HOST:9870` or `https://HOST:9871` (TLS); or a gateway such as Knox'),
  path: pattern(
    FOLDER,
    'the path of a folder in HDFS',
    'Write it as /data/mooring: names of a-z, A-Z, 0-9, dot, underscore, hyphen, =, and no slash at its end.',
  ).describe("Folder in HDFS that is this sink's alone; made where it is not there"),
  roll: duration({ min: '1s', max: '7d' })
    .prefault('1h')
    .describe('How long records wait in the log before they are made files; 64 MiB or 1000 writes end that sooner'),
});

export function checkHdfs(reader: ConfigReader, sink: Path): void {
  checkCaOfUrl(reader, sink, 'hdfs');
}

/** A user without a password is who to be, where HDFS asks nobody for one. */
export function hdfsOf(
  name: string,
  { url, path, roll }: z.output<typeof hdfsSchema>,
  connection: ConnectionKeys,
): HdfsConfig {
  const { user, passwordFile } = loginOf(connection);
  const who = connection.user === undefined ? {} : { user: connection.user };
  const login = user === undefined || passwordFile === undefined ? who : { login: { user, passwordFile } };
  return {
    kind: 'hdfs',
    place: `${url}${path}`,
    options: { name, url, path, rollMs: roll, ...login, ...caOf(connection) },
  };
}

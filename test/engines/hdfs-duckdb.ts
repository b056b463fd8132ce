/** DuckDB, as a reader of the files that is none of ours: from PyPI, kept outside the tree. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const VERSION = '2.0.1';
const GET_MS = 300_000;
const ASK = `import sys, json, duckdb
q = json.load(sys.stdin)
print(json.dumps(duckdb.execute(q["sql"], q["parameters"]).fetchall(), default=str))`;

/** The rows of a query. Throws with what DuckDB says. */
export function duckdb(sql: string, parameters: Readonly<Record<string, string>>): unknown[][] {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', ASK], {
    encoding: 'utf8',
    input: JSON.stringify({ sql, parameters }),
    env: { ...process.env, PYTHONPATH: fetched() },
  });
  if (status !== 0) throw new Error(`${sql}: ${stderr}`);
  return JSON.parse(stdout) as unknown[][];
}

function fetched(): string {
  const cache = process.env.XDG_CACHE_HOME ?? '';
  const above = join(cache === '' ? join(homedir(), '.cache') : cache, 'mooring');
  const folder = join(above, `duckdb-${VERSION}`);
  if (existsSync(folder)) return folder;
  mkdirSync(above, { recursive: true });
  const gathered = mkdtempSync(`${folder}.`);
  try {
    const args = ['-m', 'pip', 'install', '-q', '--target', gathered, `duckdb==${VERSION}`];
    const { status, stderr } = spawnSync('python3', args, { encoding: 'utf8', timeout: GET_MS });
    if (status !== 0) throw new Error(`pip ended with ${status}: ${stderr}`);
    renameSync(gathered, folder);
  } finally {
    rmSync(gathered, { recursive: true, force: true });
  }
  return folder;
}

import type { CentreStatus } from '../app.ts';
import { isUp } from './centre-families.ts';
import { waysOf } from './source-families.ts';

/** Why a centre is not ready, for people; empty where it is: batches come in, and the log takes them. */
export function reasonsAgainst({ state, ingest, intake, sinks, foreign }: CentreStatus): readonly string[] {
  const reasons: string[] = [];
  if (state !== 'running') reasons.push(`the centre is ${state}`);
  for (const way of ingest) if (!isUp(way)) reasons.push(`the way in \`${way.mode}\` is closed`);
  for (const source of foreign?.sources ?? []) {
    for (const { way, isUp: isHeard } of waysOf(source, foreign?.http)) {
      if (!isHeard) reasons.push(`the source \`${source.name}\` is not heard over \`${way}\``);
    }
    if (source.intake.isFailing) reasons.push(`messages of the source \`${source.name}\` cannot be stored`);
  }
  if (intake.isLogFailing) reasons.push('the log takes nothing');
  // A sink that fails, or stands by for another copy, is no reason: records come in.
  const away = sinks.find(({ feed }) => feed?.state === 'starting' && feed.lastError?.code === 'LOG_FAILED');
  if (away !== undefined) reasons.push('the log cannot be read');
  return reasons;
}

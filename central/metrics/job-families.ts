import type { JobStatus } from '../schedule/daily-job.ts';
import type { Families } from './families.ts';

/** What is done once a day. */
export function jobFamilies(families: Families): (jobs: readonly JobStatus[]) => void {
  const labels = ['job', 'sink'];
  const runs = families.total('job_runs', 'Runs of a daily job, by how they ended.', [...labels, 'outcome']);
  const failing = families.gauge('job_failing', '1 while the last run of a daily job has failed.', labels);
  const done = families.gauge('job_done_timestamp_seconds', 'When a daily job was done last.', labels);
  return (jobs) => {
    for (const { kind: job, sink, isFailing, doneMs, ...counts } of jobs) {
      for (const outcome of ['done', 'failed'] as const) runs.set({ job, sink, outcome }, counts[outcome]);
      failing.set({ job, sink }, isFailing ? 1 : 0);
      if (doneMs !== undefined) done.set({ job, sink }, doneMs / 1000);
    }
  };
}

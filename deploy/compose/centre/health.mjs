// Healthy: this copy of the centre says so. One that stands by for the folder of another is healthy too.
const port = process.argv[2] ?? '9464';
const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(3000) });
process.exitCode = answer.ok ? 0 : 1;

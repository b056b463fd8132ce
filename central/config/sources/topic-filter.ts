/** Whether an MQTT topic filter takes a topic: MQTT 3.1.1 section 4.7. */
export function matchesFilter(filter: string, topic: string): boolean {
  const levels = topic.split('/');
  const wanted = filter.split('/');
  for (const [index, level] of wanted.entries()) {
    // What a broker says of itself is taken by no wildcard at the beginning.
    if (level === '#') return index > 0 || !topic.startsWith('$');
    if (index >= levels.length) return false;
    if (level === '+' && (index > 0 || !topic.startsWith('$'))) continue;
    if (level !== levels[index]) return false;
  }
  return wanted.length === levels.length;
}

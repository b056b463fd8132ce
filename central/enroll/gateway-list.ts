/** Name of the file with the gateways that are enrolled, one a line, as `metrics.gateways` reads it. */
export const GATEWAY_LIST = 'gateways.txt';

/** The list with or without a gateway. What somebody else has written there, and its order, stay. */
export function withGateway(list: string, gateway: string, isEnrolled: boolean): string {
  const lines = list === '' ? [] : list.replace(/\n$/, '').split('\n');
  const isOf = (line: string): boolean => (line.split('#', 1)[0] as string).trim() === gateway;
  const kept = isEnrolled ? lines : lines.filter((line) => !isOf(line));
  if (isEnrolled && !lines.some(isOf)) kept.push(gateway);
  return kept.map((line) => `${line}\n`).join('');
}

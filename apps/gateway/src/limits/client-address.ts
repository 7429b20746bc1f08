import { isIPv6 } from 'node:net';

/**
 * What of a client's address limits count by. Whoever has an IPv6 address has its whole network of 64 bits (RFC 6177),
 * so that counts as one; an IPv4 address counts as such, also in its mapped form.
 *
 * @param address as Fastify found it: the last one in `X-Forwarded-For` that no trusted proxy has
 */
export function clientNetwork(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  // The parser of URLs writes every form of an address in the same way.
  const [head = '', tail] = new URL(`http://[${address.split('%', 1)[0]}]`).hostname.slice(1, -1).split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail ? tail.split(':') : [];
  const missing = tail === undefined ? 0 : 8 - groups.length - after.length;
  const all = [...groups, ...Array.from({ length: missing }, () => '0'), ...after];
  return `${all.slice(0, 4).join(':')}::/64`;
}

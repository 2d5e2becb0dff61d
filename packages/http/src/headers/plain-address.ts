/** IPv4 as it is, though the socket listens for both; empty where there is none. */
export function plainAddress(address = ''): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** What stands in a request that came through something else. */
const FORWARDING = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-server',
  'x-real-ip',
  'x-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'x-original-host',
] as const

const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i

/**
 * Whether a request is certain to come from this machine, for this machine: its socket is, nobody says to have passed it on, and the name it was made to is
 * this machine's: a page of another site, whose name leads here, has another.
 */
export function isLoopback(request: IncomingMessage): boolean {
  const { socket, headers } = request
  return isLoopbackAddress(socket.remoteAddress) && !isForwarded(headers) && LOCAL_HOST.test(headers.host ?? '')
}

function isLoopbackAddress(address: string | undefined): boolean {
  if (address === undefined) return false
  const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
  return plain === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(plain)
}

function isForwarded(headers: IncomingHttpHeaders): boolean {
  return FORWARDING.some((name) => headers[name] !== undefined)
}

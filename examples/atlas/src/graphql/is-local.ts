import type { IncomingMessage } from 'node:http'

const LOOPBACK = /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/
const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/

/**
 * Whether a request comes from this machine, and, if it comes from a page, from a page of this server. The
 * address alone does not determine it: a proxy on this machine has it, and a page of another site can have a
 * name that resolves to this machine.
 */
export function isLocal({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): boolean {
  const { host = '', origin, forwarded, 'x-forwarded-for': forwardedFor, 'x-real-ip': realIp } = headers
  const isForwarded = forwarded !== undefined || forwardedFor !== undefined || realIp !== undefined
  const isOwnPage = origin === undefined || origin === `http://${host}`
  return LOOPBACK.test(socket.remoteAddress ?? '') && LOCAL_HOST.test(host) && !isForwarded && isOwnPage
}

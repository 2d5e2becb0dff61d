import type { IncomingMessage } from 'node:http'
import { plainAddress } from './client-address.ts'

const LOOPBACK = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1)$/
const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i
/** Headers of a request that a proxy has passed on. */
const FORWARDING =
  /^(?:x-forwarded(?:-.*)?|forwarded|via|cdn-loop|x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip|cf-connecting-ip|fastly-client-ip|x-original-.*)$/

/**
 * Whether a request is certain to come from this machine, for this machine. The socket's address alone does
 * not tell: a proxy on this machine has it, and a page of another site can have a name that leads here.
 */
export function isLocalRequest({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): boolean {
  const host = headers[':authority'] ?? headers.host
  if (!LOOPBACK.test(plainAddress(socket.remoteAddress) ?? '') || !LOCAL_HOST.test(String(host ?? '')))
    return false
  return !Object.keys(headers).some((name) => FORWARDING.test(name))
}

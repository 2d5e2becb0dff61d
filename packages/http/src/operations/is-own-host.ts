import type { IncomingMessage } from 'node:http'

const OWN_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i
const OWN_ADDRESS = /^(127\.|::1$|::ffff:127\.)/
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via']

/** Whether a request comes from this machine, and from nobody behind a proxy on it. */
export function isOwnHost({ socket, headers }: IncomingMessage): boolean {
  return (
    OWN_ADDRESS.test(socket.remoteAddress ?? '') &&
    OWN_HOST.test(headers.host ?? '') &&
    FORWARDED.every((name) => headers[name] === undefined)
  )
}

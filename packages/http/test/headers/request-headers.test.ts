import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { requestHeaders } from '../../src/headers/request-headers.ts'

/** A request from a parser that is less strict than the one of Node. */
function malformed(...rawHeaders: string[]): boolean {
  const request = { rawHeaders, socket: { remoteAddress: '::ffff:1.2.3.4' }, httpVersionMinor: 1 }
  return requestHeaders(request as unknown as IncomingMessage, { style: 'x-forwarded', trustedHops: 0 })
    .isMalformed
}

describe('requestHeaders', () => {
  it('detects ambiguous headers without the checks of the parser', () => {
    expect(malformed('host', 'a', 'content-length', '5')).toBe(false)
    expect(malformed('host', 'a', 'content-length', '5', 'transfer-encoding', 'chunked')).toBe(true)
    expect(malformed('host', 'a', 'content-length', '5', 'Content-Length', '6')).toBe(true)
    expect(malformed('host', 'a', 'transfer-encoding', 'chunked', 'Transfer-Encoding', 'chunked')).toBe(true)
    expect(malformed('host', 'a', 'transfer-encoding', 'chunked, gzip')).toBe(true)
    expect(malformed('host', 'a', 'Host', 'a')).toBe(true)
  })
})

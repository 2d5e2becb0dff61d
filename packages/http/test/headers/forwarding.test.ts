import { describe, expect, it } from 'vitest'
import { type Forwarding, forwardedElement } from '../../src/headers/forwarding.ts'
import { requestHeaders } from '../../src/headers/request-headers.ts'
import { askRaw, openProxy, serveRaw } from '../world.ts'

function sent(forwarding: Forwarding, rawHeaders: string[] = [], remoteAddress = '::ffff:10.0.0.9') {
  const request = {
    rawHeaders: ['host', 'shop:8080', ...rawHeaders],
    socket: { remoteAddress },
    httpVersionMinor: 1,
  }
  const { headers, clientIp } = requestHeaders(request as never, forwarding)
  const of = (name: string) =>
    headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === name)
  return {
    clientIp,
    forwarded: of('forwarded'),
    xff: of('x-forwarded-for'),
    host: of('x-forwarded-host'),
    proto: of('x-forwarded-proto'),
  }
}

describe('Forwarded', () => {
  it('replaces the X-Forwarded headers with Forwarded when it is enabled', async () => {
    const seen: string[] = []
    const node = await serveRaw((socket, data) => {
      seen.push(data)
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
    })
    const { port } = await openProxy({ nodes: [node], forwarded: 'forwarded' })
    await askRaw(
      port,
      'GET / HTTP/1.1\r\nhost: shop:80\r\nforwarded: for=6.6.6.6\r\nx-forwarded-for: 6.6.6.6\r\nx-real-ip: 6.6.6.6\r\n\r\n',
    )
    expect(seen[0]).toContain('forwarded: for=127.0.0.1;host="shop:80";proto=http\r\n')
    expect(seen[0]).not.toMatch(/6\.6\.6\.6|x-forwarded/)
  })

  it('puts IPv6 addresses in brackets and quotes', () => {
    expect(forwardedElement('2001:db8::1', 'shop', 'https')).toBe('for="[2001:db8::1]";host=shop;proto=https')
    expect(forwardedElement('', undefined, 'http')).toBe('for=unknown;proto=http')
    expect(forwardedElement('1.2.3.4', 'a"b\\c', 'http')).toBe('for=1.2.3.4;host="a\\"b\\\\c";proto=http')
  })

  it('uses forwarding headers of trusted proxies only, and only in the configured style', () => {
    const forged = [
      'forwarded',
      'for=6.6.6.6;proto=https',
      'x-forwarded-for',
      '7.7.7.7',
      'x-forwarded-proto',
      'https',
    ]
    expect(sent({ style: 'x-forwarded', trustedHops: 0 }, forged)).toEqual({
      clientIp: '10.0.0.9',
      forwarded: [],
      xff: ['10.0.0.9'],
      host: ['shop:8080'],
      proto: ['http'],
    })
    expect(sent({ style: 'forwarded', trustedHops: 0 }, forged)).toEqual({
      clientIp: '10.0.0.9',
      forwarded: ['for=10.0.0.9;host="shop:8080";proto=http'],
      xff: [],
      host: [],
      proto: [],
    })
    expect(sent({ style: 'x-forwarded', trustedHops: 1 }, forged)).toEqual({
      clientIp: '7.7.7.7',
      forwarded: [],
      xff: ['7.7.7.7, 10.0.0.9'],
      host: ['shop:8080'],
      proto: ['https'],
    })
    expect(sent({ style: 'forwarded', trustedHops: 1 }, forged)).toEqual({
      clientIp: '6.6.6.6',
      xff: [],
      host: [],
      proto: [],
      forwarded: ['for=6.6.6.6;proto=https, for=10.0.0.9;host="shop:8080";proto=http'],
    })
  })

  it('counts hops from the last one, and uses the connection address for a hop without an address', () => {
    const chain = ['Forwarded', 'for=6.6.6.6', 'forwarded', 'for=1.2.3.4, for="[2001:db8::1]"']
    expect(sent({ style: 'forwarded', trustedHops: 1 }, chain).clientIp).toBe('2001:db8::1')
    expect(sent({ style: 'forwarded', trustedHops: 2 }, chain).clientIp).toBe('1.2.3.4')
    expect(sent({ style: 'forwarded', trustedHops: 9 }, chain).clientIp).toBe('6.6.6.6')
    expect(sent({ style: 'forwarded', trustedHops: 1 }, ['forwarded', 'for=_x']).clientIp).toBe('10.0.0.9')
  })

  it.each([
    ['forwarded', 'for="6.6.6.6'],
    ['forwarded', 'for="6.6.6.6, for=1.2.3.4'],
    ['x-forwarded', '6.6.6.6, evil'],
    ['x-forwarded', '6.6.6.6:port'],
  ] as const)(
    'uses the connection address, and does not forward the header, if it is malformed: %s %s',
    (style, value) => {
      const name = style === 'forwarded' ? 'forwarded' : 'x-forwarded-for'
      const { clientIp, forwarded, xff } = sent({ style, trustedHops: 1 }, [name, value])
      expect(clientIp).toBe('10.0.0.9')
      expect([...forwarded, ...xff]).toEqual([
        style === 'forwarded' ? 'for=10.0.0.9;host="shop:8080";proto=http' : '10.0.0.9',
      ])
    },
  )

  it('ignores ports and the IPv6 form of IPv4 addresses in forwarding headers', () => {
    const clientOf = (value: string) =>
      sent({ style: 'x-forwarded', trustedHops: 1 }, ['x-forwarded-for', value]).clientIp
    for (const value of ['1.2.3.4:5678', '::ffff:1.2.3.4', '[::ffff:102:304]:5678'])
      expect(clientOf(value)).toBe('1.2.3.4')
  })
})

/** The names of headers that a node receives of those that a client sent. */
function passed(forwarding: Forwarding, names: readonly string[]): readonly string[] {
  const request = {
    rawHeaders: ['host', 'shop', ...names.flatMap((name) => [name, 'forged'])],
    socket: { remoteAddress: '10.0.0.9' },
    httpVersionMinor: 1,
  }
  const { headers } = requestHeaders(request as never, forwarding)
  return headers.filter((_, at) => headers[at + 1]?.includes('forged'))
}

const ORIGINS = [
  'X-Forwarded-Port',
  'X-Forwarded-Ssl',
  'X-Forwarded-Scheme',
  'X-Forwarded-Server',
  'X-Forwarded-Prefix',
  'X-Forwarded-User',
  'X-Forwarded-Client-Cert',
  'X-Forwarded-Anything',
  'X-Forwarded',
  'X-Real-IP',
  'X-Client-IP',
  'Client-IP',
  'True-Client-IP',
  'CF-Connecting-IP',
  'Fastly-Client-IP',
  'X-Host',
  'X-Cluster-Client-IP',
  'X-Envoy-External-Address',
  'X-Scheme',
  'X-Url-Scheme',
  'Front-End-Https',
  'X-HTTPS',
  'X-ARR-SSL',
  'X-ProxyUser-Ip',
  'X-Original-Host',
  'X-Original-Proto',
  'WL-Proxy-Client-IP',
]
const ASSERTED = [
  'X-Original-URL',
  'X-Rewrite-URL',
  'Client-Cert',
  'Client-Cert-Chain',
  'X-SSL-Client-Cert',
  'Remote-User',
  'SSL-Client-Verify',
  'X-Auth-Request-Email',
  'X-Remote-User',
  'X-Script-Name',
  'X-Accel-Mapping',
]
const FOLDED = [
  'X_Forwarded_For',
  'X_FORWARDED-FOR',
  'x-forwarded_proto',
  'X.Forwarded.For',
  'X_Real_IP',
  'HTTP2_Settings',
  'SCRIPT_NAME',
  'Client_Cert',
  'X_Sluice_Node_Auth',
  'Transfer_Encoding',
  'Content_Length',
]
const OTHERS = [
  'Accept',
  'Authorization',
  'X_Custom',
  'X-Original-Filename',
  'X-Original-Format',
  'Content_Type',
  'Via',
]

describe('headers that report the origin of a request', () => {
  const given = [...ORIGINS, ...ASSERTED, ...FOLDED, 'Proxy', ...OTHERS]

  it.each(['x-forwarded', 'forwarded'] as const)('are removed if no proxy is trusted: %s', (style) => {
    expect(passed({ style, trustedHops: 0 }, given)).toEqual(OTHERS)
  })

  it('are forwarded from trusted proxies, except for folded names', () => {
    const kept = passed({ style: 'x-forwarded', trustedHops: 1 }, given)
    expect([...kept].sort()).toEqual([...ORIGINS, ...ASSERTED, ...OTHERS].sort())
  })

  it('are removed from trusted proxies that send Forwarded, except for users, certificates and paths', () => {
    expect(passed({ style: 'forwarded', trustedHops: 1 }, given)).toEqual([...ASSERTED, ...OTHERS])
  })

  it('are removed from upgrades', async () => {
    const seen: string[] = []
    const node = await serveRaw((socket, data) => {
      seen.push(data)
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
    })
    const { port } = await openProxy({ nodes: [node] })
    const forged = given.slice(0, -OTHERS.length).filter((name) => !/^(?:content|transfer)/i.test(name))
    const lines = forged.map((name) => `${name}: forged\r\n`).join('')
    await askRaw(
      port,
      `GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-mine: 1\r\n${lines}\r\n`,
    )
    expect(seen[0]).toMatch(/^x-mine: 1\r$/m)
    expect(seen[0]).not.toContain('forged')
  })
})

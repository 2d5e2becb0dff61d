import { describe, expect, it } from 'vitest'
import { clientKey } from '../src/admission/client-counts.ts'
import { type Forwarding, forwardedClients, forwardedElement } from '../src/headers/forwarding.ts'
import { requestHeaders } from '../src/headers/request-headers.ts'
import { askRaw, openProxy, serveRaw } from './world.ts'

function sent(forwarding: Forwarding, rawHeaders: string[] = [], remoteAddress = '::ffff:10.0.0.9') {
  const request = { rawHeaders: ['host', 'shop:8080', ...rawHeaders], socket: { remoteAddress }, httpVersionMinor: 1 }
  const { headers, clientIp } = requestHeaders(request as never, forwarding)
  const of = (name: string) => headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === name)
  return { clientIp, forwarded: of('forwarded'), xff: of('x-forwarded-for'), host: of('x-forwarded-host'), proto: of('x-forwarded-proto') }
}

describe('Forwarded', () => {
  it('is written in place of the others on request', async () => {
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

  it('has IPv6 addresses in brackets and quotes', () => {
    expect(forwardedElement('2001:db8::1', 'shop', 'https')).toBe('for="[2001:db8::1]";host=shop;proto=https')
    expect(forwardedElement('', undefined, 'http')).toBe('for=unknown;proto=http')
    expect(forwardedElement('1.2.3.4', 'a"b\\c', 'http')).toBe('for=1.2.3.4;host="a\\"b\\\\c";proto=http')
  })

  it('is read as RFC 7239 says', () => {
    expect(forwardedClients('for=192.0.2.43, for="[2001:db8:cafe::17]:4711";proto=https')).toEqual(['192.0.2.43', '2001:db8:cafe::17'])
    expect(forwardedClients('proto=http;For=192.0.2.60:8080;by=203.0.113.43')).toEqual(['192.0.2.60'])
    expect(forwardedClients('for="a,b;for=6.6.6.6", for=_hidden, for=unknown, by=1.1.1.1')).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(forwardedClients('for="1.2.3.4\\"')).toEqual([undefined])
  })

  it('is believed from trusted proxies alone, and only in the style that they are said to write', () => {
    const forged = ['forwarded', 'for=6.6.6.6;proto=https', 'x-forwarded-for', '7.7.7.7', 'x-forwarded-proto', 'https']
    expect(sent({ style: 'x-forwarded', trustedHops: 0 }, forged)).toEqual({
      ...{ clientIp: '10.0.0.9', forwarded: [], xff: ['10.0.0.9'], host: ['shop:8080'], proto: ['http'] },
    })
    expect(sent({ style: 'forwarded', trustedHops: 0 }, forged)).toEqual({
      ...{ clientIp: '10.0.0.9', forwarded: ['for=10.0.0.9;host="shop:8080";proto=http'], xff: [], host: [], proto: [] },
    })
    expect(sent({ style: 'x-forwarded', trustedHops: 1 }, forged)).toEqual({
      ...{ clientIp: '7.7.7.7', forwarded: [], xff: ['7.7.7.7, 10.0.0.9'], host: ['shop:8080'], proto: ['https'] },
    })
    expect(sent({ style: 'forwarded', trustedHops: 1 }, forged)).toEqual({
      ...{ clientIp: '6.6.6.6', xff: [], host: [], proto: [] },
      forwarded: ['for=6.6.6.6;proto=https, for=10.0.0.9;host="shop:8080";proto=http'],
    })
  })

  it('counts hops from the last one, and takes the neighbour where a hop does not say', () => {
    const chain = ['Forwarded', 'for=6.6.6.6', 'forwarded', 'for=1.2.3.4, for="[2001:db8::1]"']
    expect(sent({ style: 'forwarded', trustedHops: 1 }, chain).clientIp).toBe('2001:db8::1')
    expect(sent({ style: 'forwarded', trustedHops: 2 }, chain).clientIp).toBe('1.2.3.4')
    expect(sent({ style: 'forwarded', trustedHops: 9 }, chain).clientIp).toBe('6.6.6.6')
    expect(sent({ style: 'forwarded', trustedHops: 1 }, ['forwarded', 'for=_x']).clientIp).toBe('10.0.0.9')
  })
})

describe('clientKey', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::1.2.3.4', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5::1.2.3.4', '1:2:3:4::/64'],
    ['', ''],
    ['not an address', 'not an address'],
  ])('counts %s as %s', (ip, key) => {
    expect(clientKey(ip)).toBe(key)
  })
})

import { clientNetwork, forwardedAddresses, isLocalRequest, plainAddress } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'

describe('plainAddress', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['::FFFF:1.2.3.4', '1.2.3.4'],
    ['::ffff:102:304', '1.2.3.4'],
    ['0:0:0:0:0:ffff:102:304', '1.2.3.4'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['01.2.3.4', undefined],
    ['1.2.3.4:80', undefined],
    ['[::1]', undefined],
    ['unknown', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('reads %s as %s', (address, plain) => {
    expect(plainAddress(address)).toBe(plain)
  })
})

describe('clientNetwork', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::1.2.3.4', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5::1.2.3.4', '1:2:3:4::/64'],
    ['::ffff:102:304', '1.2.3.4'],
    ['', ''],
  ])('counts %s as %s', (ip, key) => {
    expect(clientNetwork(plainAddress(ip) ?? '')).toBe(key)
  })
})

describe('forwardedAddresses', () => {
  it.each([
    ['1.2.3.4', ['1.2.3.4']],
    ['1.2.3.4, 2001:DB8::1', ['1.2.3.4', '2001:db8::1']],
    ['1.2.3.4:443, [2001:db8::1]:443, [::ffff:5.6.7.8]', ['1.2.3.4', '2001:db8::1', '5.6.7.8']],
    ['unknown, _hidden, 1.2.3.4', [undefined, undefined, '1.2.3.4']],
  ])('reads X-Forwarded-For: %s', (header, addresses) => {
    expect(forwardedAddresses('x-forwarded', header)).toEqual(addresses)
  })

  const malformed = [
    '',
    ',',
    '1.2.3.4,',
    '1.2.3',
    '01.2.3.4',
    '1.2.3.4:',
    '1.2.3.4:99999',
    '1.2.3.4:x',
    '[1.2.3.4]',
    '[::1',
    '::1]',
    '[::1]:',
    '[::1]80',
  ]
  it.each([...malformed, '"1.2.3.4"', 'for=1.2.3.4', 'fe80::1%eth0', 'evil, 1.2.3.4', '1.2.3.4 5.6.7.8'])(
    'rejects X-Forwarded-For: %s',
    (header) => {
      expect(forwardedAddresses('x-forwarded', header)).toBeUndefined()
    },
  )

  it.each([
    ['for=192.0.2.43, for="[2001:db8:cafe::17]:4711";proto=https', ['192.0.2.43', '2001:db8:cafe::17']],
    ['proto=http;For="192.0.2.60:8080";by=203.0.113.43', ['192.0.2.60']],
    ['for="\\1.2.3.4"', ['1.2.3.4']],
    ['host="a\\", for=6.6.6.6";for=1.2.3.4', ['1.2.3.4']],
    [
      'for=_hidden, for=unknown, by=1.1.1.1, host="a,b;for=6.6.6.6"',
      [undefined, undefined, undefined, undefined],
    ],
  ])('reads Forwarded: %s', (header, addresses) => {
    expect(forwardedAddresses('forwarded', header)).toEqual(addresses)
  })

  it.each([
    '',
    'for=',
    'for="',
    'for="1.2.3.4',
    'for="1.2.3.4\\"',
    'for="1.2.3.4, for=5.6.7.8',
    'for=1.2.3.4,',
    'for=1.2.3.4;',
    '1.2.3.4',
    'for=1.2.3.4:80',
    'for=[::1]',
    'for="::1"',
    'for="a,b"',
    'for=1.2.3.4;for=5.6.7.8',
    'for = 1.2.3.4',
    'for="1.2.3.4"x',
    'for=1.2.3',
  ])('rejects Forwarded: %s', (header) => {
    expect(forwardedAddresses('forwarded', header)).toBeUndefined()
  })
})

function from(
  remoteAddress: string | undefined,
  headers: Record<string, string> = { host: 'localhost' },
): boolean {
  return isLocalRequest({ socket: { remoteAddress }, headers } as never)
}

describe('isLocalRequest', () => {
  it('is true for every spelling of a loopback address', () => {
    for (const address of [
      '127.0.0.1',
      '127.8.9.1',
      '::1',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '0:0:0:0:0:0:0:1',
    ])
      expect(from(address), address).toBe(true)
  })

  it('is false for other addresses', () => {
    for (const address of [
      undefined,
      '',
      '10.0.0.1',
      '::ffff:10.0.0.1',
      '128.0.0.1',
      'fe80::1',
      '127.0.0.1.example',
      '::127.0.0.1',
    ])
      expect(from(address), address).toBe(false)
  })

  it('is false for a name of a different machine', () => {
    for (const host of ['attacker.example', '127.0.0.1.nip.io', 'localhost:3000:80', ''])
      expect(from('127.0.0.1', { host }), host).toBe(false)
    expect(from('127.0.0.1', { ':authority': 'attacker.example' })).toBe(false)
    expect(from('127.0.0.1', { ':authority': 'localhost:8443' })).toBe(true)
  })

  it('is false for a request that a proxy forwarded', () => {
    const names = [
      'forwarded',
      'via',
      'x-forwarded-for',
      'x-forwarded-user',
      'x-real-ip',
      'x-original-host',
      'cf-connecting-ip',
      'true-client-ip',
    ]
    for (const name of names) expect(from('127.0.0.1', { host: 'localhost', [name]: '1' }), name).toBe(false)
  })
})

import { isLocalRequest } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'

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

import { randomBytes } from 'node:crypto'
import { InvalidArgumentError, InvalidOptionError } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { redisStore } from '../src/index.ts'
import { type RedisStoreOptions, resolveRedisStoreOptions } from '../src/redis-store-options.ts'

const key = randomBytes(32)

describe('redisStore options', () => {
  it.each([
    ['namespace', { namespace: '' }],
    ['namespace', { namespace: 'a{b}' }],
    ['namespace', { namespace: 'a*' }],
    ['leaseMs', { leaseMs: 0 }],
    ['quarantineMs', { quarantineMs: -1 }],
    ['maxTtlMs', { maxTtlMs: 1.5 }],
    ['commandTimeoutMs', { commandTimeoutMs: 2 ** 31 }],
    ['maxFailures', { maxFailures: 0 }],
    ['retryAfterMs', { retryAfterMs: 0 }],
    ['compressAboveBytes', { compressAboveBytes: true }],
    ['encryption', { encryption: 'key' }],
    ['encryption.keys', { encryption: {} }],
    ['encryption.keys', { encryption: { keys: [] } }],
    ['encryption.keys', { encryption: { keys: [{ id: 'a', key: randomBytes(16) }] } }],
    ['encryption.keys', { encryption: { keys: [{ id: '', key }] } }],
    [
      'encryption.keys',
      {
        encryption: {
          keys: [
            { id: 'a', key },
            { id: 'a', key },
          ],
        },
      },
    ],
    ['encryption.secret', { encryption: { keys: [{ id: 'a', key }], secret: 1 } }],
    ['remoteRegions', { remoteRegions: [] }],
    ['remoteRegions', { remoteRegions: { us: 'redis://127.0.0.1' } }],
    ['remoteRegions', { remoteRegions: { 'us east': { duplicate: () => {} } } }],
    ['prefix', { prefix: 'a' }],
  ])('throws for an invalid %s', (name, options) => {
    const resolve = () => resolveRedisStoreOptions(options as unknown as RedisStoreOptions)
    expect(resolve).toThrow(InvalidOptionError)
    expect(resolve).toThrow(name)
  })

  it('does not include a key in its error message', () => {
    const text = 'not-the-right-length-but-secret'
    expect(() =>
      resolveRedisStoreOptions({ encryption: { keys: [{ id: 'a', key: Buffer.from(text) }] } }),
    ).toThrow(expect.objectContaining({ message: expect.not.stringContaining(text) }))
  })

  it('treats an explicit undefined as the default', () => {
    const given = { leaseMs: undefined } as unknown as RedisStoreOptions
    expect(resolveRedisStoreOptions(given)).toEqual(resolveRedisStoreOptions({}))
  })

  it('does not treat undefined as a store without encryption', () => {
    const given = { encryption: undefined } as unknown as RedisStoreOptions
    expect(() => resolveRedisStoreOptions(given)).toThrow('Option "encryption": expected an object')
  })

  it.each([undefined, {}, 'redis://localhost'])('throws when the connection is %j', (redis) => {
    expect(() => redisStore(redis as never)).toThrow(InvalidArgumentError)
  })
})

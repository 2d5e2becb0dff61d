import { InvalidOptionError } from '@sluice/core'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { redisRelay } from '../../src/index.ts'
import { type RedisRelayOptions, resolveRedisRelayOptions } from '../../src/regions/redis-relay.ts'

const redis = new Redis({ lazyConnect: true })
const given = { region: 'us', from: redis, to: redis }

describe('redisRelay options', () => {
  it.each([
    ['region', { region: undefined }],
    ['region', { region: 'us east' }],
    ['from', { from: undefined }],
    ['from', { from: 'redis://127.0.0.1' }],
    ['to', { to: undefined }],
    ['to', { to: {} }],
    ['maxLagMs', { maxLagMs: 49 }],
    ['maxLagMs', { maxLagMs: 60_001 }],
    ['maxLagMs', { maxLagMs: 101, leaseMs: 200 }],
    ['namespace', { namespace: 'a*' }],
    ['leaseMs', { leaseMs: 0 }],
    ['onError', { onError: 'log' }],
    ['remoteRegions', { remoteRegions: {} }],
  ])('throws for an invalid %s: %o', (name, options) => {
    const create = () => redisRelay({ ...given, ...options } as unknown as RedisRelayOptions)
    expect(create).toThrow(InvalidOptionError)
    expect(create).toThrow(`"${name}"`)
  })

  it('uses defaults for omitted options', () => {
    const { region, maxLagMs, store } = resolveRedisRelayOptions(given)
    expect([region, maxLagMs]).toEqual(['us', 1_000])
    expect(store).toMatchObject({ namespace: 'sluice', leaseMs: 30_000, commandTimeoutMs: 500 })
  })

  it('accepts a bound of half of the lease', () => {
    expect(resolveRedisRelayOptions({ ...given, maxLagMs: 100, leaseMs: 200 }).maxLagMs).toBe(100)
  })
})

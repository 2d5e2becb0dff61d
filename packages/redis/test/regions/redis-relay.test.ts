import { InvalidOptionError } from '@sluice/core'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { redisRelay } from '../../src/index.ts'
import { Lags, type RedisRelayOptions, resolveRedisRelayOptions } from '../../src/regions/redis-relay.ts'

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

describe('Lags', () => {
  it('returns 0 without values', () => {
    expect(new Lags().quantile(0.5)).toBe(0)
  })

  it('returns quantiles of the last 1,000 values', () => {
    const lags = new Lags()
    for (let ms = 1; ms <= 2_000; ms += 1) lags.add(ms)
    expect(lags.quantile(0)).toBe(1_001)
    expect(lags.quantile(0.5)).toBe(1_501)
    expect(lags.quantile(0.99)).toBe(1_991)
    expect(lags.quantile(1)).toBe(2_000)
  })
})

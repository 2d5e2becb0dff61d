import {
  AsyncBatchProcessingEngine,
  CachingStrategyEngine,
  createSluice,
  LoadBalancingEngine,
  SluiceError,
} from '@sluice/core'
import { createDashboard } from '@sluice/dashboard'
import { createResponseCache } from '@sluice/http'
import { createProxy } from '@sluice/http/proxy'
import { memcachedStore } from '@sluice/memcached'
import { redisStore } from '@sluice/redis'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, it } from 'vitest'

const fail = () => {
  throw new TypeError('trap')
}
const thrower = new Proxy({}, { get: fail, ownKeys: fail, has: fail, getPrototypeOf: fail })
const VALUES: Readonly<Record<string, unknown>> = {
  null: null,
  '[null]': [null],
  '[undefined]': [undefined],
  '{}': {},
  '[]': [],
  '[{}]': [{}],
  map: new Map(),
  symbol: Symbol('x'),
  '[symbol]': [Symbol('x')],
  NaN: Number.NaN,
  '""': '',
  5: 5,
  thrower,
  '[thrower]': [thrower],
  function: () => {},
  date: new Date(0),
  bare: Object.create(null),
  '{a:null}': { a: null },
}

type Make = (options: never) => unknown

const redis = new Redis({ lazyConnect: true })
const sluice = createSluice()
afterAll(() => sluice.close())

/**
 * Constructors, the options that they require, and the names of options, with those of groups after a dot.
 */
const MAKERS: Readonly<Record<string, readonly [Make, object, string]>> = {
  createSluice: [
    createSluice,
    {},
    'mode rollout context cache batch prefetch schemaCheckMs exclude detection database balancer jobs monitor shadow logger clock random cache.tables cache.store cache.exclude cache.tiered cache.models prefetch.links detection.ignore jobs.backend jobs.retry monitor.alerts monitor.webhooks monitor.scaling balancer.region balancer.ejection balancer.strategy database.exclude',
  ],
  LoadBalancingEngine: [
    (options) => new LoadBalancingEngine(options),
    {},
    'strategy region ejection clock random',
  ],
  CachingStrategyEngine: [(options) => new CachingStrategyEngine(options), {}, 'policy clock maxBytes'],
  AsyncBatchProcessingEngine: [
    (options) => new AsyncBatchProcessingEngine(options),
    {},
    'backend retry clock random queues concurrency processors',
  ],
  createProxy: [
    createProxy,
    { nodes: ['a:1'] },
    'balancer nodes strategy region probe retry hedge sticky upgrades nodeAuth rateLimit shed tls tls.ca tls.cert tls.key sticky.secret',
  ],
  redisStore: [
    (options) => redisStore(redis, options),
    {},
    'namespace encryption encryption.keys remoteRegions region compressAboveBytes',
  ],
  memcachedStore: [
    memcachedStore,
    { state: 'a:1' },
    'state entries auth tls tls.ca tls.key tls.servername encryption encryption.keys auth.username',
  ],
  createDashboard: [
    (options) => createDashboard(sluice, options),
    { announce: false },
    'authorize path processes history actions',
  ],
  createResponseCache: [
    (options) => createResponseCache(sluice, options),
    {},
    'statuses query vary ignoreHeaders key tables tags dropHeaders',
  ],
}

/** The error of a constructor that is not one of Sluice; `undefined` if there is none. */
function foreignError(make: Make, options: unknown): unknown {
  try {
    const made = make(options as never) as { close?: (options: object) => unknown } | undefined
    void made?.close?.({ graceMs: 0 })
    return undefined
  } catch (error) {
    return error instanceof SluiceError ? undefined : String(error)
  }
}

describe.each(Object.entries(MAKERS))('%s', (_, [make, base, paths]) => {
  it.each(paths.split(' '))('accepts a value of %s, or throws a SluiceError', (path) => {
    const [name = '', inner] = path.split('.')
    const found = Object.entries(VALUES).map(([label, value]) => {
      const given = inner === undefined ? value : { [inner]: value }
      return [label, foreignError(make, { ...base, [name]: given })]
    })
    expect(found).toEqual(Object.keys(VALUES).map((label) => [label, undefined]))
  })

  it('accepts a value as options, or throws a SluiceError', () => {
    const found = Object.entries(VALUES).map(([label, value]) => [label, foreignError(make, value)])
    expect(found).toEqual(Object.keys(VALUES).map((label) => [label, undefined]))
  })
})

import { InvalidOptionError } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { type MemcachedStoreOptions, memcachedStore } from '../src/index.ts'
import { resolveMemcachedStoreOptions } from '../src/memcached-store-options.ts'

const state = '127.0.0.1:11211'

describe('memcachedStore options', () => {
  it.each([
    ['state', {}],
    ['state', { state: 11_211 }],
    ['state', { state: 'memcached://cache' }],
    ['state', { state: 'cache:0' }],
    ['state', { state: 'cache:70000' }],
    ['entries', { state, entries: [] }],
    ['entries', { state, entries: ['a', 'a'] }],
    ['entries', { state, entries: 'a' }],
    ['namespace', { state, namespace: 'a b' }],
    ['leaseMs', { state, leaseMs: 0 }],
    ['maxTtlMs', { state, maxTtlMs: 31 * 24 * 60 * 60 * 1_000 }],
    ['commandTimeoutMs', { state, commandTimeoutMs: 0 }],
    ['tls', { state, tls: 'yes' }],
    ['auth', { state, auth: 'secret' }],
    ['auth.username', { state, auth: { password: 'a' } }],
    ['auth.username', { state, auth: { username: 'a b', password: 'a' } }],
    ['auth.password', { state, auth: { username: 'a' } }],
    ['auth.password', { state, auth: { username: 'a', password: 'a\r\nflush_all' } }],
    ['encryption.keys', { state, encryption: {} }],
    ['servers', { state, servers: [] }],
  ])('throws for an invalid %s', (name, options) => {
    const create = () => memcachedStore(options as unknown as MemcachedStoreOptions)
    expect(create).toThrow(InvalidOptionError)
    expect(create).toThrow(name)
  })

  it.each([
    ['cache', { host: 'cache', port: 11_211 }],
    ['cache.example:1', { host: 'cache.example', port: 1 }],
    ['[::1]', { host: '::1', port: 11_211 }],
    ['[fe80::1]:65535', { host: 'fe80::1', port: 65_535 }],
  ])('reads the address %s', (text, expected) => {
    expect(resolveMemcachedStoreOptions({ state: text }).state).toEqual(expected)
  })
})

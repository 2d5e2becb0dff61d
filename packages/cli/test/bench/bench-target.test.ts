import { describe, expect, it } from 'vitest'
import { benchRoute, isNear } from '../../src/bench/bench-target.ts'

describe('isNear', () => {
  it.each([
    '127.0.0.1',
    '127.9.9.9',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '::1',
    'fd00::1',
    'fe80::1',
    '::ffff:10.0.0.1',
  ])('treats %s as this machine or a private network', (address) => expect(isNear(address)).toBe(true))
  it.each(['8.8.8.8', '172.32.0.1', '11.0.0.1', '2001:db8::1', '::ffff:8.8.8.8', '0.0.0.0', 'localhost', ''])(
    'does not treat %j as this machine or a private network',
    (address) => expect(isNear(address)).toBe(false),
  )
})

describe('benchRoute', () => {
  it('uses GET for a path without a method', () => {
    expect(benchRoute(' /a?b=1 ')).toEqual({ name: 'GET /a?b=1', method: 'GET', path: '/a?b=1' })
    expect(benchRoute('head /a')).toMatchObject({ name: 'HEAD /a' })
  })
})

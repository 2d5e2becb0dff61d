import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils'
import { describe, expect, it } from 'vitest'
import { AdapterConversions } from '../src/adapter-conversions.ts'

const NUMERIC = 1700
const OWN_TYPES: readonly number[] = []

const asText = (text: string) => text
const asNumber = (text: string) => Number(text)
const prefixed = (prefix: string) => (text: string) => prefix + text

/** A pool of `pg` with one client, whose parsers an app can replace. */
function poolOf(parsers: Map<number, unknown>) {
  const client = { getTypeParser: (oid: number) => parsers.get(oid) ?? asText }
  const counts = { totalCount: 1, idleCount: 1, waitingCount: 0, options: { max: 1 } }
  return { ...counts, connect() {}, _clients: [client] }
}

function connected(members: object, parsers = new Map<number, unknown>()): AdapterConversions {
  const pool = poolOf(parsers)
  const conversions = new AdapterConversions()
  // The observer keeps a weak reference.
  const adapter = { underlyingDriver: () => pool, ...members } as unknown as SqlDriverAdapter
  conversions.connected(adapter)
  kept.push(adapter)
  return conversions
}
const kept: unknown[] = []

describe('conversions of a Prisma adapter', () => {
  it('identify the parser of user-defined types in every process', () => {
    const parsing = (userDefinedTypeParser: unknown) =>
      connected({ pgOptions: { userDefinedTypeParser } }).shared(OWN_TYPES)
    const usual = connected({}).shared(OWN_TYPES)
    expect(usual).toBeTypeOf('string')
    const own = parsing((_oid: number, value: unknown) => String(value))
    expect(own).toBeTypeOf('string')
    expect(own).not.toBe(usual)
    expect(parsing((_oid: number, value: unknown) => String(value))).toBe(own)
    expect(parsing(prefixed('a'))).toBeUndefined()
  })

  it('identify options that change how values are sent', () => {
    const sending = (timestampFormat: string) =>
      connected({ adapterOptions: { timestampFormat } }).shared(OWN_TYPES)
    expect(sending('iso8601')).not.toBe(sending('unixepoch-ms'))
    expect(connected({ pgOptions: { onPoolError: prefixed('a') } }).shared(OWN_TYPES)).toBeTypeOf('string')
  })

  it('identify a parser of the driver that was replaced', () => {
    const parsers = new Map<number, unknown>()
    const conversions = connected({}, parsers)
    const [before, shared] = [conversions.current(), conversions.shared(OWN_TYPES)]
    expect(conversions.current()).toBe(before)
    parsers.set(NUMERIC, asNumber)
    expect(conversions.current()).not.toBe(before)
    expect(conversions.shared(OWN_TYPES)).not.toBe(shared)
    parsers.set(NUMERIC, prefixed('a'))
    expect(conversions.shared(OWN_TYPES)).toBeUndefined()
  })
})

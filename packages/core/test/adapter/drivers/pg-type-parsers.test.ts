import { describe, expect, it } from 'vitest'
import { PgTypeParsers } from '../../../src/adapter/drivers/pg-type-parsers.ts'

const NUMERIC = 1700
const MACADDR = 829

const asText = (text: string) => text
const asNumber = (text: string) => Number(text)

/** Functions with the same source, which refer to different variables. */
const parsing = (oid: number, parser: (text: string) => unknown) => ({
  getTypeParser: (type: number): unknown => (type === oid ? parser : asText),
})
const prefixed = (prefix: string) => (text: string) => prefix + text

/** The parsers of a driver, which an app can replace. */
function driver() {
  const parsers = new Map<number, unknown>()
  return { parsers, getTypeParser: (oid: number): unknown => parsers.get(oid) ?? asText }
}

/** A client of `pg`, whose parsers an app can replace. */
function clientOf(types: { getTypeParser(oid: number): unknown }) {
  const text: Record<number, unknown> = {}
  const own = {
    _types: types,
    text,
    binary: {},
    getTypeParser: (oid: number) => text[oid] ?? types.getTypeParser(oid),
  }
  return { _types: own, text, getTypeParser: own.getTypeParser }
}

const sourceOf = (types: object) => String((types as { getTypeParser: unknown }).getTypeParser)

function create(...clients: unknown[]) {
  const parsers = new PgTypeParsers(sourceOf, () => clients)
  parsers.add([{ dataTypeID: NUMERIC }])
  return parsers
}

describe('PgTypeParsers of queries', () => {
  it('identifies parsers of queries that are alike', () => {
    const parsers = create()
    const name = parsers.ofQuery(parsing(NUMERIC, (value) => value))
    expect(name).toBeTypeOf('string')
    expect(parsers.ofQuery(parsing(NUMERIC, (value) => value))).toBe(name)
  })

  it('does not identify functions with the same source that return different parsers', () => {
    const parsers = create()
    const first = parsing(NUMERIC, prefixed('a'))
    expect(parsers.ofQuery(first)).toBeTypeOf('string')
    expect(parsers.ofQuery(parsing(NUMERIC, prefixed('b')))).toBeUndefined()
    expect(parsers.ofQuery(parsing(NUMERIC, asText))).toBeUndefined()
    expect(parsers.ofQuery(first)).toBeTypeOf('string')
  })

  it('compares the parsers of the types in results', () => {
    const parsers = create()
    parsers.ofQuery(parsing(MACADDR, prefixed('a')))
    parsers.add([{ dataTypeID: MACADDR }])
    expect(parsers.ofQuery(parsing(MACADDR, prefixed('b')))).toBeUndefined()
  })

  it('does not take parsers that are created for each call for replaced ones', () => {
    const parsers = create(clientOf(driver()))
    const before = parsers.ofQuery(undefined)
    const fresh = { getTypeParser: () => prefixed('a') }
    parsers.ofQuery(fresh)
    expect(parsers.ofQuery(fresh)).toBeUndefined()
    expect(parsers.ofQuery(undefined)).toBe(before)
  })

  it('identifies a replaced parser as different', () => {
    const types = driver()
    const parsers = create()
    const before = parsers.ofQuery(types)
    types.parsers.set(NUMERIC, asNumber)
    expect(parsers.ofQuery(types)).not.toBe(before)
    expect(parsers.ofQuery(types)).toBeTypeOf('string')
  })
})

describe('PgTypeParsers of clients in this process', () => {
  it('identifies a parser that the app replaced in the driver', () => {
    const types = driver()
    const parsers = create(clientOf(types), clientOf(types))
    const before = parsers.ofQuery(undefined)
    expect(parsers.ofQuery(undefined)).toBe(before)
    types.parsers.set(NUMERIC, asNumber)
    const after = parsers.ofQuery(undefined)
    expect(after).toBeTypeOf('string')
    expect(after).not.toBe(before)
  })

  it('does not identify the parsers of clients of which one has its own', () => {
    const types = driver()
    const second = clientOf(types)
    const parsers = create(clientOf(types), second)
    expect(parsers.ofQuery(undefined)).toBeTypeOf('string')
    second.text[NUMERIC] = asNumber
    expect(parsers.ofQuery(undefined)).toBeUndefined()
  })

  it('compares the parsers of clients that have their own', () => {
    const types = driver()
    const clients = [clientOf(types), clientOf(types)]
    for (const { text } of clients) text[NUMERIC] = (value: string) => Number(value)
    expect(create(...clients).ofQuery(undefined)).toBeTypeOf('string')
    for (const { text } of clients) text[NUMERIC] = prefixed('a')
    expect(create(...clients).ofQuery(undefined)).toBeUndefined()
  })

  it('identifies a parser that was replaced after all clients were closed', () => {
    const types = driver()
    const clients = [clientOf(types)]
    const parsers = new PgTypeParsers(sourceOf, () => clients)
    parsers.add([{ dataTypeID: NUMERIC }])
    const before = parsers.ofQuery(undefined)
    clients.pop()
    expect(parsers.ofQuery(undefined)).toBe(before)
    types.parsers.set(NUMERIC, asNumber)
    expect(parsers.ofQuery(undefined)).not.toBe(before)
  })

  it('compares with the parser that converted a result, if it was replaced right after that', () => {
    const types = driver()
    const parsers = new PgTypeParsers(sourceOf, () => [clientOf(types)])
    const before = parsers.ofQuery(undefined)
    parsers.add([{ dataTypeID: NUMERIC, format: 'text' }], [asNumber])
    expect(parsers.ofQuery(undefined)).not.toBe(before)
  })
})

describe('PgTypeParsers of clients in every process', () => {
  it('identifies parsers that are alike', () => {
    const identity = create(clientOf(driver())).ofClients([])
    expect(identity).toBeTypeOf('string')
    expect(create(clientOf(driver())).ofClients([])).toBe(identity)
    expect(create(parsing(NUMERIC, Number)).ofClients([])).not.toBe(identity)
    expect(create(parsing(MACADDR, Number)).ofClients([])).not.toBe(identity)
    expect(create(parsing(70_000, Number)).ofClients([])).toBe(identity)
    expect(create(parsing(70_000, Number)).ofClients([70_000])).not.toBe(identity)
    expect(create({ ...clientOf(driver()), binary: true }).ofClients([])).not.toBe(identity)
  })

  it('identifies a replaced parser as different, and the same as in a new process', () => {
    const types = driver()
    const parsers = create(clientOf(types))
    const before = parsers.ofClients([])
    types.parsers.set(NUMERIC, asNumber)
    const after = parsers.ofClients([])
    expect(after).not.toBe(before)
    expect(create(clientOf(types)).ofClients([])).toBe(after)
  })

  it('compares a type that was not common with the parsers of the name', () => {
    const types = driver()
    const parsers = create(clientOf(types))
    const [named, before] = [parsers.ofClients([]), parsers.ofQuery(undefined)]
    types.parsers.set(MACADDR, asNumber)
    parsers.add([{ dataTypeID: MACADDR, format: 'text' }], [asNumber])
    expect(parsers.ofQuery(undefined)).not.toBe(before)
    expect(parsers.ofClients([])).not.toBe(named)
  })

  it.each([
    ['a bound function', asText.bind(undefined)],
    ['a function that uses a variable', prefixed('a')],
  ])('does not identify %s', (_, parser) => {
    expect(create(parsing(NUMERIC, parser)).ofClients([])).toBeUndefined()
  })

  it('does not identify the parsers of no client', () => {
    expect(create().ofClients([])).toBeUndefined()
  })
})

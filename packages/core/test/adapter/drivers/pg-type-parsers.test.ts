import { describe, expect, it } from 'vitest'
import { PgTypeParsers } from '../../../src/adapter/drivers/pg-type-parsers.ts'

const NUMERIC = 1700
const MACADDR = 829

const asText = (text: string) => text
const usual = () => asText

/** Functions with the same source, which refer to different variables. */
const parsing = (oid: number, parser: (text: string) => unknown) => ({
  getTypeParser: (type: number): unknown => (type === oid ? parser : asText),
})
const prefixed = (prefix: string) => (text: string) => prefix + text

describe('PgTypeParsers', () => {
  const create = () =>
    new PgTypeParsers((types) => String((types as { getTypeParser: unknown }).getTypeParser))

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

  it('identifies the parsers of clients in every process', () => {
    const client = () => ({ getTypeParser: usual })
    const identity = create().ofClient(client(), [])
    expect(identity).toBeTypeOf('string')
    expect(create().ofClient(client(), [])).toBe(identity)
    expect(create().ofClient(parsing(NUMERIC, Number), [])).not.toBe(identity)
    expect(create().ofClient(parsing(70_000, Number), [])).toBe(identity)
    expect(create().ofClient(parsing(70_000, Number), [70_000])).not.toBe(identity)
    expect(create().ofClient({ ...client(), binary: true }, [])).not.toBe(identity)
  })

  it('does not identify bound parsers, because their source contains no information', () => {
    expect(create().ofClient(parsing(NUMERIC, prefixed('a').bind(undefined)), [])).toBeUndefined()
    expect(create().ofClient(undefined, [])).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import { ORIGIN, type Position, UnusableServerError } from '../../../src/balancing/replicas/positions.ts'
import { postgresqlPositions } from '../../../src/balancing/replicas/postgresql-positions.ts'

const primary = (inserted: string, written = inserted) =>
  postgresqlPositions.primary({ inserted, written, page: '8192', segment: String(16 * 1024 * 1024) })

const at = (text: string) => postgresqlPositions.fromText(text) as Position

describe('postgresqlPositions', () => {
  it('uses the insert position for consistency tokens, and the written position for replicas', () => {
    const { acknowledged, sent } = primary('1/A0000100', '1/A0000080')
    expect([acknowledged.toText(), sent.toText()]).toEqual(['1/A0000100', '1/A0000080'])
  })

  it('replaces a position after a page header with the start of the page', () => {
    expect(primary('0/3002018').acknowledged.toText()).toBe('0/3002000')
    expect(primary('0/3000028').acknowledged.toText()).toBe('0/3000000')
  })

  it('keeps a position that may be the end of a record', () => {
    expect(primary('0/3002020').acknowledged.toText()).toBe('0/3002020')
    expect(primary('0/3002028').acknowledged.toText()).toBe('0/3002028')
  })

  it('rejects a server that is not a replica', () => {
    expect(() =>
      postgresqlPositions.replica({ replayed: null, started: 'x', host: null, port: null }),
    ).toThrow(UnusableServerError)
  })

  it('throws for a response without a position', () => {
    expect(() =>
      postgresqlPositions.primary({ inserted: 'x', written: '0/1', page: '8192', segment: '1' }),
    ).toThrow(TypeError)
    expect(() => postgresqlPositions.replica(undefined)).toThrow(TypeError)
  })

  it('parses its own strings', () => {
    expect(at('1/A0000100').toText()).toBe('1/A0000100')
    expect(postgresqlPositions.fromText('1/')).toBeUndefined()
  })

  it('compares positions numerically', () => {
    expect(at('1/0').covers(at('0/FFFFFFFF'))).toBe(true)
    expect(at('0/FFFFFFFF').covers(at('1/0'))).toBe(false)
    expect(at('1/0').covers(ORIGIN)).toBe(true)
    expect(at('1/0').and(at('1/1'))?.toText()).toBe('1/1')
    expect(at('1/0').and(ORIGIN)?.toText()).toBe('1/0')
    expect(at('1/1').isBeyond(at('1/0'))).toBe(true)
    expect(at('1/0').isBeyond(at('1/0'))).toBe(false)
  })
})

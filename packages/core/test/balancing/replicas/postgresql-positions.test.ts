import { describe, expect, it } from 'vitest'
import { postgresqlPositions } from '../../../src/balancing/replicas/postgresql-positions.ts'

const primary = (inserted: string, written = inserted) =>
  postgresqlPositions.primary({ inserted, written, page: '8192', segment: String(16 * 1024 * 1024) })

describe('postgresqlPositions', () => {
  it('takes the insert position for the floor, and the written one for what replicas can have', () => {
    expect(primary('1/A0000100', '1/A0000080')).toEqual({ floor: 0x1_a000_0100n, sent: 0x1_a000_0080n })
  })

  it('takes a position behind the header of a page for its start', () => {
    expect(primary('0/3002018').floor).toBe(0x300_2000n)
    expect(primary('0/3000028').floor).toBe(0x300_0000n)
  })

  it('takes no position for a page start that may be the end of a record', () => {
    expect(primary('0/3002020').floor).toBe(0x300_2020n)
    expect(primary('0/3002028').floor).toBe(0x300_2028n)
  })

  it('says that a server is no replica', () => {
    expect(postgresqlPositions.replica({ replayed: null, started: 'x', host: null, port: null })).toBeUndefined()
  })

  it('refuses an answer without a position', () => {
    expect(() => postgresqlPositions.primary({ inserted: 'x', written: '0/1', page: '8192', segment: '1' })).toThrow(TypeError)
    expect(() => postgresqlPositions.replica(undefined)).toThrow(TypeError)
  })

  it('reads the texts that it writes', () => {
    const { toText, fromText } = postgresqlPositions
    expect(toText(0x1_a000_0100n)).toBe('1/A0000100')
    expect(fromText(toText(0x1_a000_0100n))).toBe(0x1_a000_0100n)
    expect(fromText('1/')).toBeUndefined()
  })
})

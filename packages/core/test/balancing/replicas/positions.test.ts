import { describe, expect, it } from 'vitest'
import {
  mariadbPositions,
  ORIGIN,
  type Position,
  postgresqlPositions,
  UnusableServerError,
} from '../../../src/balancing/replicas/positions.ts'

const at = (text: string) => mariadbPositions.fromText(text) as Position
const primary = (logged: string, replayed = '') =>
  mariadbPositions.primary({ answers: 1, logs: 1, logged, replayed }).acknowledged.toText()
const replica = (row: object = {}) =>
  mariadbPositions.replica({
    answers: 1,
    replayed: '0-1-9',
    protected: 'ON',
    autocommit: 1,
    run: 'db 3306 2 17',
    ...row,
  })

describe('mariadbPositions', () => {
  it('uses the binary log position of a primary in each domain', () => {
    expect(primary('0-1-9')).toBe('0-1-9')
    expect(primary('0-1-9,7-1-18446744073709551615')).toBe('0-1-9.7-1-18446744073709551615')
  })

  it('uses the position that a primary replayed before its promotion, if that is ahead of its log', () => {
    expect(primary('0-2-9', '0-1-8')).toBe('0-2-9')
    expect(primary('0-2-5', '0-1-8')).toBe('0-1-8')
    expect(primary('', '0-1-8')).toBe('0-1-8')
    expect(primary('0-1-9', '3-5-1')).toBe('0-1-9.3-5-1')
  })

  it('compares positions of one server', () => {
    expect(at('0-1-10').covers(at('0-1-9'))).toBe(true)
    expect(at('0-1-9').covers(at('0-1-9'))).toBe(true)
    expect(at('0-1-9').covers(at('0-1-10'))).toBe(false)
    expect(at('0-1-9').covers(ORIGIN)).toBe(true)
  })

  it('never compares positions of different servers, regardless of their sequence numbers', () => {
    expect(at('0-2-99').covers(at('0-1-9'))).toBe(false)
    expect(at('0-2-99').and(at('0-1-9'))).toBeUndefined()
    expect(at('0-2-99').isBeyond(at('0-1-9'))).toBe(false)
  })

  it('compares each domain', () => {
    expect(at('0-1-9.1-1-5').covers(at('0-1-8.1-1-5'))).toBe(true)
    expect(at('0-1-9.1-1-4').covers(at('0-1-8.1-1-5'))).toBe(false)
    expect(at('0-1-9').covers(at('0-1-8.1-1-5'))).toBe(false)
    // The replica has more sources than this primary.
    expect(at('0-1-9.1-1-5').covers(at('0-1-9'))).toBe(true)
    expect(at('0-1-9.1-1-5').isBeyond(at('0-1-9'))).toBe(false)
  })

  it('combines two positions into one that covers both', () => {
    expect(at('0-1-9.1-1-5').and(at('0-1-10.2-1-1'))?.toText()).toBe('0-1-10.1-1-5.2-1-1')
    expect(at('0-1-9').and(ORIGIN)?.toText()).toBe('0-1-9')
    expect(ORIGIN.and(at('0-1-9'))?.toText()).toBe('0-1-9')
  })

  it('detects a replica that is ahead of its primary', () => {
    expect(at('0-1-10').isBeyond(at('0-1-9'))).toBe(true)
    expect(at('0-1-9').isBeyond(at('0-1-9'))).toBe(false)
  })

  it.each([
    ['MySQL', { answers: 1 }, /It is MySQL/],
    ['a primary without a binary log', { answers: 1, logs: 0, logged: '', replayed: '' }, /no binary log/],
    ['a primary that wrote nothing', { answers: 1, logs: 1, logged: '', replayed: '' }, /is empty/],
  ])('throws for %s', (_, row, message) => {
    const refused = () => mariadbPositions.primary(row)
    expect(refused).toThrow(UnusableServerError)
    expect(refused).toThrow(message)
  })

  it.each([
    ['accepts writes', { protected: 'OFF' }, /accepts writes/],
    ['accepts writes, as older drivers say it', { protected: 0 }, /accepts writes/],
    ['keeps what is read first', { autocommit: 0 }, /autocommit/],
    ['is MySQL', { replayed: undefined }, /It is MySQL/],
  ])('throws for a replica that %s', (_, row, message) => {
    expect(() => replica(row)).toThrow(UnusableServerError)
    expect(() => replica(row)).toThrow(message)
  })

  it('distinguishes restarts of a replica', () => {
    expect(replica().server).toBe('db 3306 2 17')
    expect(replica({ protected: 'NO_LOCK_NO_ADMIN' }).replayed.toText()).toBe('0-1-9')
  })

  it('throws for a response without a position', () => {
    expect(() => mariadbPositions.primary(undefined)).toThrow(TypeError)
    expect(() => mariadbPositions.primary({ answers: 1, logs: 1, logged: 'x', replayed: '' })).toThrow(
      TypeError,
    )
    expect(() => mariadbPositions.replica({})).toThrow(TypeError)
    expect(() => replica({ replayed: '0-1' })).toThrow(TypeError)
  })

  it('returns undefined for other strings', () => {
    for (const text of ['', '0-1', '0-1-x', '0/1', '0-1-2,1-1-2'])
      expect(mariadbPositions.fromText(text)).toBeUndefined()
  })
})

const primaryAt = (inserted: string, written = inserted) =>
  postgresqlPositions.primary({ inserted, written, page: '8192', segment: String(16 * 1024 * 1024) })

const positionOf = (text: string) => postgresqlPositions.fromText(text) as Position

describe('postgresqlPositions', () => {
  it('uses the insert position for consistency tokens, and the written position for replicas', () => {
    const { acknowledged, sent } = primaryAt('1/A0000100', '1/A0000080')
    expect([acknowledged.toText(), sent.toText()]).toEqual(['1/A0000100', '1/A0000080'])
  })

  it('replaces a position after a page header with the start of the page', () => {
    expect(primaryAt('0/3002018').acknowledged.toText()).toBe('0/3002000')
    expect(primaryAt('0/3000028').acknowledged.toText()).toBe('0/3000000')
  })

  it('keeps a position that may be the end of a record', () => {
    expect(primaryAt('0/3002020').acknowledged.toText()).toBe('0/3002020')
    expect(primaryAt('0/3002028').acknowledged.toText()).toBe('0/3002028')
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
    expect(positionOf('1/A0000100').toText()).toBe('1/A0000100')
    expect(postgresqlPositions.fromText('1/')).toBeUndefined()
  })

  it('compares positions numerically', () => {
    expect(positionOf('1/0').covers(positionOf('0/FFFFFFFF'))).toBe(true)
    expect(positionOf('0/FFFFFFFF').covers(positionOf('1/0'))).toBe(false)
    expect(positionOf('1/0').covers(ORIGIN)).toBe(true)
    expect(positionOf('1/0').and(positionOf('1/1'))?.toText()).toBe('1/1')
    expect(positionOf('1/0').and(ORIGIN)?.toText()).toBe('1/0')
    expect(positionOf('1/1').isBeyond(positionOf('1/0'))).toBe(true)
    expect(positionOf('1/0').isBeyond(positionOf('1/0'))).toBe(false)
  })
})

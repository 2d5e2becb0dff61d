import { describe, expect, it } from 'vitest'
import { outcomeOfSynchronous, writeOutcomeOf, writeOutcomeOfCode } from '../../src/pipeline/outcome.ts'

describe('writeOutcomeOf', () => {
  it.each([
    ['a check that MariaDB makes', { errno: 4025, sqlState: '23000', code: 'ER_CONSTRAINT_FAILED' }],
    ['a duplicate key of MySQL', { errno: 1062, sqlState: '23000', code: 'ER_DUP_ENTRY' }],
    ['a violated constraint of PostgreSQL', { code: '23505' }],
  ])('treats %s as a rollback', (_, error) => {
    expect(writeOutcomeOf(error)).toBe('rolled-back')
  })

  it.each([
    ['a connection that mysql2 lost', { fatal: true, code: 'PROTOCOL_CONNECTION_LOST' }],
    [
      'a connection that MariaDB was told to kill',
      { errno: 1927, sqlState: '70100', code: 'ER_CONNECTION_KILLED' },
    ],
    ['a shutdown of MariaDB', { errno: 1053, sqlState: '08S01', code: 'ER_SERVER_SHUTDOWN' }],
    ['a lost connection of PostgreSQL', { code: '08006' }],
    ['an error that nobody knows', new Error('What is this?')],
  ])('treats the outcome as unknown after %s', (_, error) => {
    expect(writeOutcomeOf(error)).toBe('unknown')
  })
})

describe('writeOutcomeOfCode', () => {
  it.each(['1290', '1062', '23505', '22P02'])('treats %s as a rollback', (code) => {
    expect(writeOutcomeOfCode(code)).toBe('rolled-back')
  })

  it.each(['1053', '1927', '45009', '08006', '57P01'])('treats the outcome as unknown after %s', (code) => {
    expect(writeOutcomeOfCode(code)).toBe('unknown')
  })
})

describe('outcomeOfSynchronous', () => {
  it('treats errors without a code as a rollback', () => {
    expect(outcomeOfSynchronous(new TypeError('SQLite3 can only bind numbers'))).toBe('rolled-back')
    expect(outcomeOfSynchronous({ code: 'SQLITE_CONSTRAINT' })).toBe('rolled-back')
    expect(outcomeOfSynchronous({ code: 'SQLITE_IOERR_WRITE' })).toBe('unknown')
  })
})

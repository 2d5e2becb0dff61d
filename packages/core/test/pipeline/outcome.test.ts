import { describe, expect, it } from 'vitest'
import { writeOutcomeOf } from '../../src/pipeline/outcome.ts'

const prisma = (code: string, originalCode?: string) => ({ code, meta: { driverAdapterError: { cause: { originalCode } } } })

describe('writeOutcomeOf', () => {
  it.each([
    ['a check that MariaDB makes', { errno: 4025, sqlState: '23000', code: 'ER_CONSTRAINT_FAILED' }],
    ['a duplicate key of MySQL', { errno: 1062, sqlState: '23000', code: 'ER_DUP_ENTRY' }],
    ['a violated constraint of PostgreSQL', { code: '23505' }],
    ["Prisma's own answer", prisma('P2002')],
    ['what MariaDB says through Prisma', prisma('P2039', '1290')],
    ['what PostgreSQL says through Prisma', prisma('P2010', '22P02')],
  ])('takes %s for an answer', (_, error) => {
    expect(writeOutcomeOf(error)).toBe('rolled-back')
  })

  it.each([
    ['a connection that mysql2 lost', { fatal: true, code: 'PROTOCOL_CONNECTION_LOST' }],
    ['a connection that MariaDB was told to kill', { errno: 1927, sqlState: '70100', code: 'ER_CONNECTION_KILLED' }],
    ['a shutdown of MariaDB', { errno: 1053, sqlState: '08S01', code: 'ER_SERVER_SHUTDOWN' }],
    ['a socket that the driver mariadb lost, through Prisma', prisma('P2039', '45009')],
    ['the same in a raw query', prisma('P2010', '45009')],
    ['a shutdown of PostgreSQL through Prisma', prisma('P2010', '57P01')],
    ['a lost connection of PostgreSQL', { code: '08006' }],
    ['an error that nobody knows', new Error('What is this?')],
  ])('takes nothing for certain after %s', (_, error) => {
    expect(writeOutcomeOf(error)).toBe('unknown')
  })
})

import { describe, expect, it } from 'vitest'
import { prismaErrors } from '../src/prisma-errors.ts'

const prisma = (code: string, originalCode?: string) => ({
  code,
  meta: { driverAdapterError: { cause: { originalCode } } },
})

describe('prismaErrors.writeOutcome', () => {
  it.each([
    ["Prisma's own answer", prisma('P2002')],
    ['what MariaDB says through Prisma', prisma('P2039', '1290')],
    ['what PostgreSQL says through Prisma', prisma('P2010', '22P02')],
    ['arguments that Prisma does not accept', { name: 'PrismaClientValidationError' }],
  ])('treats %s as a rollback', (_, error) => {
    expect(prismaErrors.writeOutcome(error)).toBe('rolled-back')
  })

  it.each([
    ['a socket that the driver mariadb lost', prisma('P2039', '45009')],
    ['the same in a raw query', prisma('P2010', '45009')],
    ['a shutdown of PostgreSQL', prisma('P2010', '57P01')],
    ['a timeout of the pool', prisma('P2024')],
    ['a timeout of a transaction', prisma('P2028')],
    ['a lost connection', prisma('P1017')],
  ])('treats the outcome as unknown after %s', (_, error) => {
    expect(prismaErrors.writeOutcome(error)).toBe('unknown')
  })

  it.each([[{ code: '23505' }], [new Error('What is this?')], [undefined]])(
    'leaves the outcome of %s to the core',
    (error) => {
      expect(prismaErrors.writeOutcome(error)).toBeUndefined()
    },
  )
})

describe('prismaErrors.replicaError', () => {
  it.each([
    ['a lost connection of the driver mariadb', prisma('P2010', '45009')],
    ['its pool', prisma('P2039', '45028')],
    ['a shutdown of MariaDB', prisma('P2039', '1053')],
    ['a shutdown of PostgreSQL', prisma('P2010', '57P01')],
    ['a lost connection of Prisma', { code: 'P1017' }],
    [
      'a client that cannot connect',
      { name: 'PrismaClientInitializationError', message: "Can't reach the database server" },
    ],
  ])('treats %s as a failure of the replica', (_, error) => {
    expect(prismaErrors.replicaError(error)).toBe('node')
  })

  it.each([
    ['a read-only server', prisma('P2010', '1290')],
    ['a missing table', prisma('P2021', '1146')],
    ['an error of a raw query that says nothing more', prisma('P2010')],
  ])('retries on the primary after %s', (_, error) => {
    expect(prismaErrors.replicaError(error)).toBe('again')
  })

  it.each([
    ['no record', { code: 'P2025' }],
    ['arguments that Prisma does not accept', { name: 'PrismaClientValidationError' }],
  ])('treats %s as the result', (_, error) => {
    expect(prismaErrors.replicaError(error)).toBe('answer')
  })

  it('leaves errors of a driver to the core', () => {
    expect(prismaErrors.replicaError({ code: '57P01' })).toBeUndefined()
  })
})

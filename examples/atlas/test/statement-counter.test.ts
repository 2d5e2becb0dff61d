import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Clients, openClients } from '../src/clients.ts'
import type { PrismaClient } from '../src/generated/prisma/client.js'
import { StatementCounter } from '../src/statement-counter.ts'
import { type Fixture, smallFixture } from './fixture.ts'

let fixture: Fixture
let clients: Clients
let counter: StatementCounter

beforeEach(() => {
  fixture = smallFixture()
  counter = new StatementCounter()
  clients = openClients(fixture.target, counter)
})

afterEach(async () => {
  await clients.close()
  fixture.remove()
})

async function statementsOf(work: () => Promise<unknown>): Promise<number> {
  const before = counter.statements
  await work()
  return counter.statements - before
}

describe('StatementCounter', () => {
  it('counts one statement for each level of an include', async () => {
    expect(
      await statementsOf(() => clients.prisma.city.findMany({ include: { region: true, reviews: true } })),
    ).toBe(3)
  })

  it('counts the statements of a Prisma transaction, without BEGIN and COMMIT', async () => {
    const prisma = clients.prisma as PrismaClient
    const work = (tx: Pick<PrismaClient, 'city'>) => tx.city.updateMany({ data: { latitude: 1 } })
    expect(await statementsOf(() => prisma.$transaction(work))).toBe(1)
  })

  it('counts the statements of Knex', async () => {
    expect(
      await statementsOf(() => Promise.all([clients.db('cities').first(), clients.db.raw('SELECT 1')])),
    ).toBe(2)
  })

  it('counts the statements of a Knex transaction, without BEGIN and COMMIT', async () => {
    expect(
      await statementsOf(() => clients.db.transaction((trx) => trx('cities').update({ latitude: 2 }))),
    ).toBe(1)
  })
})

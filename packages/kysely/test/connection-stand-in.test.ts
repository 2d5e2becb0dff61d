import { CompiledQuery, type DatabaseConnection } from 'kysely'
import { expect, it, vi } from 'vitest'
import { ConnectionStandIn, type Taken, type TransactionOf } from '../src/connection-stand-in.ts'

function taken(): Taken {
  const connection: DatabaseConnection = {
    executeQuery: vi.fn(),
    streamQuery: vi.fn(),
  }
  return { connection, release: async () => {} }
}

it('forgets a transaction that ended without a COMMIT when it takes a connection again', async () => {
  const driver = {
    reserve: vi.fn(),
    reads: () => false,
    read: vi.fn(),
    send: vi.fn(async () => ({ rows: [] })),
    answer: vi.fn(async () => ({ rows: [] })),
    stream: vi.fn(),
  }
  const [first, second] = [taken(), taken()]
  const standIn = ConnectionStandIn.bound(driver, undefined, first)
  standIn.isInTransaction = true
  standIn.transaction = { connection: first.connection } as TransactionOf
  await standIn.release()
  const again = ConnectionStandIn.bound(driver, undefined, second, standIn)
  expect(again).toBe(standIn)
  const query = CompiledQuery.raw('select 1')
  await again.executeQuery(query)
  expect(driver.answer).not.toHaveBeenCalled()
  expect(driver.send).toHaveBeenCalledExactlyOnceWith(second.connection, query, undefined, false)
})

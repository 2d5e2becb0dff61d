import type { ControlledTransaction, Kysely } from 'kysely'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import type { DrizzleTarget } from './builders/builder-clients.ts'
import type { DrizzleDb } from './builders/start-drizzle.ts'
import type { KyselyDb } from './builders/start-kysely.ts'
import type { Call } from './program.ts'
import type { Target } from './run-call.ts'

const TRANSACTION_MS = 20_000

interface Beginning {
  readonly orm: Call['orm']
  readonly target: Target
  /** Whether the target is in a transaction. */
  readonly isNested: boolean
  /** Whether the transaction itself has savepoints. */
  readonly hasSavepoints: boolean
}

/** Runs the body in a transaction of the ORM, or in a savepoint; it rolls back if the body rejects. */
export function beginTransaction(
  { orm, target, isNested, hasSavepoints }: Beginning,
  body: (inner: object) => Promise<string>,
): Promise<string> {
  const { prisma, knex, kysely, drizzle } = target
  switch (orm) {
    case 'knex':
      return knex.transaction(body)
    case 'prisma': {
      const options = isNested ? [] : [{ timeout: TRANSACTION_MS, maxWait: TRANSACTION_MS }]
      return ((prisma as TestPrismaClient).$transaction as (...args: unknown[]) => Promise<string>)(
        body,
        ...options,
      )
    }
    case 'kysely':
      if (kysely === undefined) throw new Error('Expected Kysely to be open.')
      if (isNested) return inSavepoint(kysely as unknown as ControlledTransaction<unknown>, body)
      return hasSavepoints ? controlled(kysely, body) : kysely.transaction().execute(body)
    case 'drizzle':
      if (drizzle === undefined) throw new Error('Expected Drizzle to be open.')
      return inDrizzle(drizzle, body)
  }
}

/** Savepoints of Kysely belong to transactions that end by calls. */
async function controlled(db: KyselyDb, body: (inner: object) => Promise<string>): Promise<string> {
  const transaction = await (db as unknown as Kysely<unknown>).startTransaction().execute()
  try {
    const result = await body(transaction)
    await transaction.commit().execute()
    return result
  } catch (error) {
    if (!transaction.isCommitted) await transaction.rollback().execute()
    throw error
  }
}

let savepoints = 0

async function inSavepoint(
  transaction: ControlledTransaction<unknown>,
  body: (inner: object) => Promise<string>,
): Promise<string> {
  savepoints += 1
  const name = `inner_${savepoints}`
  const inner = await transaction.savepoint(name).execute()
  try {
    const result = await body(inner)
    await inner.releaseSavepoint(name).execute()
    return result
  } catch (error) {
    await inner.rollbackToSavepoint(name).execute()
    throw error
  }
}

function inDrizzle({ db, schema }: DrizzleTarget, body: (inner: object) => Promise<string>): Promise<string> {
  const own = db as unknown as { transaction<T>(work: (inner: DrizzleDb) => Promise<T>): Promise<T> }
  return own.transaction((inner) => body({ db: inner, schema }))
}

import type { Dialect, Sluice } from '@sluice/core'
import { withSluice as withSluiceDrizzle } from '@sluice/drizzle'
import { withSluice as withSluiceKysely } from '@sluice/kysely'
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2'
import { drizzle } from 'drizzle-orm/node-postgres'
import { Kysely } from 'kysely'
import type { Database } from '../../support/database.ts'
import { kyselyDialect } from '../../support/kysely-harness.ts'
import type { OnSent } from '../../support/on-sent.ts'
import { watchedDialect } from '../../support/watched-dialect.ts'
import { watchedMysqlPool } from '../../support/watched-mysql-pool.ts'
import { watchedPool } from '../../support/watched-pool.ts'
import type { BuilderCall, BuilderOrm } from '../program.ts'
import { type DrizzleSchema, readDrizzleSchema } from './drizzle-schema.ts'
import { type DrizzleDb, startDrizzle } from './start-drizzle.ts'
import { type KyselyDb, startKysely } from './start-kysely.ts'

/** The builders that Sluice optimizes on each kind of database, each as often as it is chosen. */
export const EVERY_BUILDER: Readonly<Record<Dialect, readonly BuilderOrm[]>> = {
  sqlite: ['kysely', 'kysely', 'knex'],
  postgresql: ['kysely', 'kysely', 'drizzle', 'drizzle', 'knex'],
  mysql: ['kysely', 'kysely', 'drizzle', 'drizzle', 'knex'],
}

/** A database of a builder, or one of its transactions. */
export interface BuilderTarget {
  readonly kysely?: KyselyDb
  readonly drizzle?: DrizzleTarget
}

export interface DrizzleTarget {
  readonly db: DrizzleDb
  readonly schema: DrizzleSchema
}

export interface BuilderClients extends BuilderTarget {
  close(): Promise<void>
}

/** @param sluice - Omitted: the clients are without Sluice. */
export async function openBuilders(
  orms: readonly BuilderOrm[],
  database: Database,
  onSent: OnSent,
  sluice?: Sluice,
): Promise<BuilderClients> {
  const opened: { -readonly [Name in keyof BuilderTarget]: BuilderTarget[Name] } = {}
  const closings: (() => Promise<void>)[] = []
  if (orms.includes('kysely')) {
    const dialect = watchedDialect(kyselyDialect(database), onSent)
    const db: KyselyDb = new Kysely({
      dialect: sluice === undefined ? dialect : withSluiceKysely(dialect, sluice),
    })
    opened.kysely = db
    closings.push(() => db.destroy())
  }
  if (orms.includes('drizzle')) {
    const schema = await readDrizzleSchema(database)
    const { db, close } = openDrizzle(schema, database, onSent, sluice)
    opened.drizzle = { db, schema }
    closings.push(close)
  }
  return { ...opened, close: async () => void (await Promise.all(closings.map((close) => close()))) }
}

function openDrizzle(
  { dialect, all }: DrizzleSchema,
  { url }: Database,
  onSent: OnSent,
  sluice: Sluice | undefined,
): { readonly db: DrizzleDb; close(): Promise<void> } {
  const schema = { ...all }
  const withSluice = <TPool extends object>(pool: TPool) =>
    sluice === undefined ? pool : withSluiceDrizzle(pool, sluice)
  if (dialect === 'mysql') {
    const client = withSluice(watchedMysqlPool(url, onSent).promise())
    const db = drizzleMysql({ client, schema, mode: 'default' }) as unknown as DrizzleDb
    return { db, close: () => client.end() }
  }
  const client = withSluice(watchedPool(url, onSent))
  return { db: drizzle({ client, schema }) as unknown as DrizzleDb, close: () => client.end() }
}

/** Sends the call; the builder must be open. */
export function startInBuilder(call: BuilderCall, { kysely, drizzle }: BuilderTarget): PromiseLike<unknown> {
  if (call.orm === 'kysely' && kysely !== undefined) return startKysely(call, kysely)
  if (call.orm === 'drizzle' && drizzle !== undefined) return startDrizzle(call, drizzle.db, drizzle.schema)
  throw new Error(`Expected ${call.orm} to be open.`)
}

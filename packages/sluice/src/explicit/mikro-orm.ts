import { InvalidArgumentError, type Sluice, type SluiceOptions, sluiceFrom } from '@sluice/core'
import { hostOf } from '@sluice/core/adapter'
import type { Knex } from 'knex'
import type { Dialect } from 'kysely'
import { guarded } from '../guarded.ts'
import { mikroOrmKnex, releaseKnex } from '../seams/knex.ts'
import { mikroOrmDialect } from '../seams/kysely.ts'
import { rememberMikroOrm } from '../seams/orms/mikro-orm.ts'
import { attachOnce } from './attach-once.ts'
import { replaceMethods } from './replace-methods.ts'

/** The members of an instance of MikroORM that Sluice uses. */
export interface MikroOrmInstance {
  getMetadata(): object
  readonly em: { getDriver(): object }
}

/** The connections to a database, and to its replicas. */
interface Driver {
  getConnection(): Connection
  readonly replicas?: readonly Connection[]
}

interface Connection {
  readonly connected?: boolean
  /** Since version 7: creates an instance of Kysely. */
  createKysely?(): unknown
  createKyselyDialect?(overrides: unknown): Dialect | Promise<Dialect>
  /** In version 6: creates an instance of Knex. */
  createKnex?(): void
  getKnex?(): Knex
  readonly client?: Knex
}

/**
 * Attaches an instance of MikroORM to a Sluice, and returns it. One that is already attached stays unchanged.
 * Call it before the first query: version 7 creates its connection pool then.
 *
 * Its database must be PostgreSQL, MySQL, MariaDB or SQLite. An instance with any other stays unchanged, with
 * a warning. With version 6, Sluice only observes.
 *
 * @param sluice - A Sluice, or options to create one. Default: the process-wide Sluice, which observes.
 * @throws InvalidArgumentError if the first argument is not an instance of MikroORM; InvalidOptionError for
 * unknown options.
 * @example
 * ```ts
 * const orm = withSluice(await MikroORM.init({ clientUrl, entities }), sluice)
 * ```
 */
export function withSluice<TOrm extends MikroOrmInstance>(orm: TOrm, sluice?: Sluice | SluiceOptions): TOrm {
  if (!isMikroOrm(orm)) throw new InvalidArgumentError('orm', 'an instance of MikroORM', orm)
  const used = sluiceFrom(sluice)
  guarded('MikroORM', () => {
    const driver = orm.em.getDriver() as Driver
    for (const connection of [driver.getConnection(), ...(driver.replicas ?? [])])
      attachOnce(connection, used, () => attach(connection, used))
    rememberMikroOrm(orm)
  })
  return orm
}

function isMikroOrm(orm: Partial<MikroOrmInstance> | null | undefined): boolean {
  return typeof orm?.getMetadata === 'function' && typeof orm.em?.getDriver === 'function'
}

function attach(connection: Connection, sluice: Sluice): () => void {
  if (connection.createKyselyDialect !== undefined) return attachKysely(connection, sluice)
  if (connection.createKnex !== undefined) return attachKnex(connection, sluice)
  hostOf(sluice).warn(
    'sluice/mikro-orm works with databases of SQL; this instance uses another one. Its queries pass through.',
  )
  return () => {}
}

function attachKysely(connection: Connection, sluice: Sluice): () => void {
  const host = hostOf(sluice)
  if (connection.connected === true)
    host.warn(
      'An instance of MikroORM was passed to withSluice that is connected: its queries pass through until it connects again. Call withSluice before the first query.',
    )
  let isAttached = false
  return replaceMethods(connection, {
    createKysely: (create) => () => {
      isAttached = false
      const created = create()
      if (!isAttached)
        host.warn(
          "The driverOptions of MikroORM contain a client or a dialect of Kysely: its queries pass through. Pass the dialect to withSluice of '@sluice/kysely'.",
        )
      return created
    },
    createKyselyDialect: (create) => (overrides) => {
      isAttached = true
      const instrumented = (dialect: Dialect) =>
        guarded('MikroORM', () => mikroOrmDialect(dialect, sluice)) ?? dialect
      const dialect = create(overrides) as Dialect | Promise<Dialect>
      return dialect instanceof Promise ? dialect.then(instrumented) : instrumented(dialect)
    },
  })
}

function attachKnex(connection: Connection, sluice: Sluice): () => void {
  const { client } = connection
  if (client !== undefined) mikroOrmKnex(client, sluice)
  const restore = replaceMethods(connection, {
    createKnex: (create) => () => {
      create()
      guarded('MikroORM', () => connection.client && mikroOrmKnex(connection.client, sluice))
    },
  })
  return () => {
    restore()
    if (connection.client !== undefined) releaseKnex(connection.client)
  }
}

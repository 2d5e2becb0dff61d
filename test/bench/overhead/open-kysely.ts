import type { Kysely } from 'kysely'
import { openPool, openSqlite } from './drivers.ts'
import type { BenchSluice, DatabaseName, OpenedOrm } from './opened-orm.ts'
import { programsOf } from './programs.ts'

interface Tables {
  readonly authors: { readonly id: number }
  readonly posts: { readonly id: number; readonly author_id: number; readonly views: number }
}

export async function openKysely(database: DatabaseName, sluice?: BenchSluice): Promise<OpenedOrm> {
  const kysely = await import('kysely')
  const bare =
    database === 'SQLite'
      ? new kysely.SqliteDialect({ database: await openSqlite() })
      : new kysely.PostgresDialect({ pool: openPool() })
  const dialect = sluice === undefined ? bare : (await import('@sluice/kysely')).withSluice(bare, sluice)
  const db = new kysely.Kysely<Tables>({ dialect })
  return { programs: kyselyPrograms(db), end: () => db.destroy() }
}

function kyselyPrograms(db: Kysely<Tables>): OpenedOrm['programs'] {
  const one = (id: number) => db.selectFrom('authors').selectAll().where('id', '=', id).executeTakeFirst()
  return programsOf({
    one,
    async five(id) {
      await one(id)
      await db.selectFrom('posts').selectAll().where('author_id', '=', id).orderBy('id').limit(10).execute()
      await db.updateTable('posts').set({ views: id }).where('id', '=', id).execute()
      await db
        .selectFrom('posts')
        .select((eb) => eb.fn.countAll().as('n'))
        .where('author_id', '=', id)
        .execute()
      await db.selectFrom('posts').selectAll().where('id', '=', id).executeTakeFirst()
    },
  })
}

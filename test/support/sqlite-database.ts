import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import openSqlite from 'better-sqlite3'
import type { Database } from './database.ts'

/** A new SQLite file in a temporary folder. */
export async function createSqliteDatabase(): Promise<Database> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-sqlite-'))
  const filename = join(folder, 'test.db')
  const file = openSqlite(filename)
  return {
    dialect: 'sqlite',
    url: `file:${filename}`,
    filename,
    knexConfig: () => ({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true }),
    async exec(script) {
      file.exec(script)
    },
    async query(sql, params = []) {
      const statement = file.prepare<unknown[], Record<string, unknown>>(sql)
      if (statement.reader) return statement.all(...params)
      statement.run(...params)
      return []
    },
    async drop() {
      file.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

import { readFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { onPostgres } from '../../services/postgres.ts'
import { ROWS } from './programs.ts'

const ddlOf = (provider: 'sqlite' | 'postgresql') =>
  readFileSync(new URL(`../../generated/${provider}/schema.sql`, import.meta.url), 'utf8')

const AT = '2026-01-01T00:00:00.000+00:00'

/** Authors with a post each. */
export function fillSqlite(file: string): void {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.exec(ddlOf('sqlite'))
  const author = database.prepare(`INSERT INTO authors (email, full_name, updated_at) VALUES (?, ?, '${AT}')`)
  const post = database.prepare(
    `INSERT INTO posts (slug, title, created_at, author_id) VALUES (?, ?, '${AT}', ?)`,
  )
  database.transaction(() => {
    for (let at = 1; at <= ROWS; at += 1) {
      author.run(`a${at}@example.org`, `Author ${at}`)
      post.run(`post-${at}`, `Post ${at}`, at)
    }
  })()
  database.close()
}

export async function fillPostgres(url: string): Promise<void> {
  await onPostgres(url, ddlOf('postgresql'))
  await onPostgres(
    url,
    `INSERT INTO authors (email, full_name, updated_at) SELECT 'a' || n || '@example.org', 'Author ' || n, '${AT}' FROM generate_series(1, ${ROWS}) n`,
  )
  await onPostgres(
    url,
    `INSERT INTO posts (slug, title, created_at, author_id) SELECT 'post-' || n, 'Post ' || n, '${AT}', n FROM generate_series(1, ${ROWS}) n`,
  )
  await onPostgres(url, 'ANALYZE')
}

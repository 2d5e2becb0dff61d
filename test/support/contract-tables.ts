import type { Sluice } from '@sluice/core'
import type { ContractClient, ContractHarness, NewPost } from '@sluice/core/adapter-contract'
import type { Database } from './database.ts'

/**
 * An adapter that runs the contract, on a database with the tables `authors`, `posts`, `memberships` and
 * `Organization` of `prisma/models.prisma`.
 */
export type Harness = (database: Database) => Promise<ContractHarness>

const range = (count: number) => Array.from({ length: count }, (_, at) => at + 1)
const quoted = (value: string) => `'${value}'`

/** A database with the tables. */
export type Tables = Pick<Database, 'dialect' | 'exec'>

/** @param file - The file of the client's methods. */
export function harness(
  database: Tables,
  hasFix: boolean,
  open: (sluice: Sluice | undefined) => Promise<ContractClient>,
  file: string,
): ContractHarness {
  const at = quoted('2026-01-01 00:00:00')
  const authors = range(12).map(
    (id) => `(${id}, ${quoted(`a${id}@example.org`)}, ${quoted(`Author ${id}`)}, ${at})`,
  )
  const posts = range(40).map(
    (id) =>
      `(${id}, ${quoted(`post-${id}`)}, ${quoted(`Post ${id}`)}, ${(id * 7) % 11}, ${(id % 9) + 1}, ${at})`,
  )
  const organizations = database.dialect === 'mysql' ? 'Organization' : '"Organization"'
  const memberships = range(8)
    .map((nth) => nth + 4)
    .map((id) => `('o${(id % 3) + 1}', ${id}, 'r${id}')`)
  return {
    file,
    hasFix,
    dropIndex: (name, table) => `drop index ${name}${database.dialect === 'mysql' ? ` on ${table}` : ''}`,
    open: (sluice) => open(sluice as Sluice | undefined),
    async reset() {
      await database.exec(`DELETE FROM posts; DELETE FROM memberships; DELETE FROM ${organizations}`)
      await database.exec('DELETE FROM authors')
      await database.exec(`INSERT INTO authors (id, email, full_name, updated_at) VALUES ${authors.join()}`)
      await database.exec(
        `INSERT INTO posts (id, slug, title, views, author_id, created_at) VALUES ${posts.join()}`,
      )
      await database.exec(
        `INSERT INTO ${organizations} (id, name) VALUES ('o1', 'One'), ('o2', 'Two'), ('o3', 'Three')`,
      )
      await database.exec(`INSERT INTO memberships (org_id, user_id, role) VALUES ${memberships.join()}`)
    },
  }
}

export const toRow = ({ id, authorId, slug, title, views }: NewPost) => ({
  id,
  author_id: authorId,
  slug,
  title,
  views,
})

/** The clients that `sluice/register` attaches to. */
export const REGISTER_CLIENTS: readonly RegisterClient[] = [
  { client: 'Knex', packageName: 'knex', versions: '^3.0.0' },
  { client: 'Kysely', packageName: 'kysely', versions: '>=0.28.0 <0.30.0' },
  { client: 'Prisma', packageName: '@prisma/client', versions: '^7.0.0' },
  { client: 'pg', packageName: 'pg', versions: '^8.0.0' },
  { client: 'better-sqlite3', packageName: 'better-sqlite3', versions: '^12.0.0' },
]

interface RegisterClient {
  readonly client: string
  /** The npm package whose modules are patched. */
  readonly packageName: string
  /** Supported versions. */
  readonly versions: string
}

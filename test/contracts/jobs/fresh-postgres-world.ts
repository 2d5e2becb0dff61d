import { fileURLToPath } from 'node:url'
import { databases } from '../../support/databases.ts'
import type { CrashWorld } from './crash-world.ts'
import { connectPostgres } from './postgres-world.ts'

const worldModule = fileURLToPath(new URL('postgres-world.ts', import.meta.url))

export const postgres = databases().find(({ dialect }) => dialect === 'postgresql')

/** A backend on a database that is created for it. */
export async function freshPostgresWorld(): Promise<CrashWorld> {
  const database = await postgres?.connect()
  if (database?.url === undefined) throw new Error('There is no PostgreSQL.')
  const { url } = database
  return {
    connect: () => connectPostgres(url),
    child: { module: worldModule, args: [url] },
    stop: () => database.drop(),
  }
}

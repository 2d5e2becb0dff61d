import { harness } from '../../support/contract-tables.ts'
import type { Database } from '../../support/database.ts'
import { prismaClient } from '../../support/prisma-clients.ts'

/** Creates the tables of the fixed models, with three posts. */
export async function createPosts(database: Database): Promise<Database> {
  const { ddl } = await prismaClient(database.dialect, database)
  await database.exec(ddl)
  await harness(database, false, () => Promise.reject(new Error('unused')), '').reset()
  await database.exec('DELETE FROM posts WHERE id > 3')
  return database
}

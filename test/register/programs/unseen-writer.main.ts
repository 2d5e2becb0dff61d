// Loops of Knex, and writes to their rows by another client.
import { createRequire } from 'node:module'
import knex from 'knex'
import pg from 'pg'
import { countPgStatements } from './pg-statements.ts'
import { serve } from './serve.ts'

const { DATABASE_URL = '', APP_PRISMA, APP_OPTIONS = '{}' } = process.env
const db = knex({ client: 'pg', connection: DATABASE_URL })
if (APP_PRISMA !== undefined) {
  const { getPrismaClient } = createRequire(APP_PRISMA)('@prisma/client/runtime/library.js')
  const PrismaClient = getPrismaClient({ activeProvider: 'postgresql' })
  console.log(new PrismaClient(JSON.parse(APP_OPTIONS)).name)
}
const writer = new pg.Client({ connectionString: DATABASE_URL })
await writer.connect()
const rename = (name: string) => writer.query('UPDATE author SET name = $1 WHERE id = 12', [name])

const REQUESTS = 6
let request = 0
await serve(
  async () => {
    request += 1
    const names: string[] = []
    for (const { id } of await db('author').select('id').orderBy('id')) {
      const { name } = await db('author').where({ id }).first()
      names.push(name)
      if (request === REQUESTS && id === 10) await rename('renamed')
    }
    return names
  },
  { requests: REQUESTS, statements: countPgStatements() },
)
await rename('author 12')
await writer.end()
await db.destroy()

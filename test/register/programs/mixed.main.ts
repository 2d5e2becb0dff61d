// Random reads and writes on one database, by a pool of its driver, TypeORM, Sequelize and, on PostgreSQL,
// `postgres` and MikroORM, on MariaDB `mariadb`. Prints what was read.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getDefaultSluice } from '@sluice/core'
import { createPool } from 'mariadb'
import mysql from 'mysql2/promise'
import pg from 'pg'
import postgres from 'postgres'
import { DataTypes, Sequelize } from 'sequelize'
import { DataSource, EntitySchema } from 'typeorm'

const { DATABASE_URL: url = '', APP_SEED = '1', APP_MIKRO_ORM = '@mikro-orm/postgresql' } = process.env
const { defineEntity, MikroORM, p } = (await import(APP_MIKRO_ORM)) as typeof import('@mikro-orm/postgresql')
const isMysql = url.startsWith('mysql:')
const pool = isMysql ? mysql.createPool(url) : new pg.Pool({ connectionString: url })
async function query(sql: string, values: readonly unknown[] = []): Promise<unknown> {
  if (pool instanceof pg.Pool) return (await pool.query(sql, [...values])).rows
  return (await pool.query(sql.replaceAll(/\$\d/g, '?'), [...values] as never))[0]
}
const Author = new EntitySchema<{ id: number; name: string }>({
  name: 'Author',
  tableName: 'author',
  columns: { id: { type: Number, primary: true }, name: { type: 'text' } },
})
const type = isMysql ? 'mysql' : ('postgres' as never)
const source = await new DataSource({ type, url, entities: [Author] }).initialize()
const authors = source.getRepository(Author)
// It connects with its first query.
const sql = postgres(isMysql ? '' : url, { max: 2 })
const Mikro = defineEntity({
  name: 'Author',
  tableName: 'author',
  properties: { id: p.integer().primary(), name: p.text() },
})
const mikro = isMysql ? undefined : await MikroORM.init({ clientUrl: url, entities: [Mikro], debug: false })
const maria = isMysql ? createPool(url.replace('mysql:', 'mariadb:')) : undefined
const sequelize = new Sequelize(url, { logging: false })
const Model = sequelize.define('Author', { name: DataTypes.TEXT }, { timestamps: false, tableName: 'author' })

let seed = Number(APP_SEED)
function random(below: number): number {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
  return Math.floor(seed / 65_536) % below
}

const rolledBack = () => {
  if (random(2) === 0) throw new Error('rolled back')
}
const READS: ((id: number) => Promise<unknown>)[] = [
  (id) => query('SELECT name FROM author WHERE id = $1', [id]),
  async (id) => (await authors.findOneBy({ id }))?.name,
  async (id) => (await Model.findByPk(id))?.get('name'),
]
if (maria !== undefined)
  READS.push(async (id) => (await maria.query('SELECT name FROM author WHERE id = ?', [id]))[0]?.name)
if (mikro !== undefined)
  READS.push(
    async (id) => (await sql`SELECT name FROM author WHERE id = ${id}`)[0]?.name,
    async (id) => (await mikro.em.fork().findOne(Mikro, { id }))?.name,
  )
const WRITES: ((id: number, name: string) => Promise<unknown>)[] = [
  (id, name) => query('UPDATE author SET name = $1 WHERE id = $2', [name, id]),
  (id, name) => authors.update({ id }, { name }),
  (id, name) => Model.update({ name }, { where: { id } }),
  (id, name) => source.transaction((manager) => manager.update(Author, { id }, { name }).then(rolledBack)),
  (id, name) =>
    sequelize.transaction(async (transaction) => {
      await Model.update({ name }, { where: { id }, transaction })
      rolledBack()
    }),
]
const POSTGRES_WRITES: typeof WRITES = [
  async (id, name) => {
    if (!(pool instanceof pg.Pool)) return
    const client = await pool.connect()
    const begun = client.query('BEGIN')
    await Promise.all([begun, client.query('UPDATE author SET name = $1 WHERE id = $2', [name, id])])
    await READS[0]?.(id)
    await client.query('COMMIT')
    client.release()
  },
  async (id, name) => mikro?.em.fork().nativeUpdate(Mikro, { id }, { name }),
  async (id, name) =>
    mikro?.em.fork().transactional(async (em) => {
      await em.nativeUpdate(Mikro, { id }, { name })
      rolledBack()
    }),
  (id, name) => sql`UPDATE author SET name = ${name} WHERE id = ${id}`,
  (id, name) => sql.begin((tx) => tx`UPDATE author SET name = ${name} WHERE id = ${id}`.then(rolledBack)),
  async (id, name) => {
    const inCursor = () => Promise.reject(new Error('in the cursor'))
    await sql`UPDATE author SET name = ${name} WHERE id = ${id} RETURNING id`.cursor(inCursor).catch(() => {})
    // It does not wait for the commit, so this may read what was before.
    await READS[0]?.(id)
    await new Promise((resolve) => setTimeout(resolve, 20))
  },
]
const UPDATE = 'UPDATE author SET name = ? WHERE id = ?'
const MARIADB_WRITES: typeof WRITES = [
  async (id, name) => {
    const connection = await maria?.getConnection()
    const begun = connection?.beginTransaction()
    await Promise.all([begun, connection?.query(UPDATE, [name, id])])
    await READS[0]?.(id)
    await connection?.commit()
    await connection?.release()
  },
  async (id, name) => maria?.execute(UPDATE, [name, id]),
  async (id, name) =>
    maria?.batch(UPDATE, [
      [name, id],
      [name, (id % 5) + 1],
    ]),
  async (id, name) => {
    const connection = await maria?.getConnection()
    try {
      await connection?.beginTransaction()
      await connection?.query(UPDATE, [name, id])
      if (random(2) === 0) await connection?.commit()
    } finally {
      // It rolls back what is open.
      await connection?.release()
    }
  },
]
WRITES.push(...(isMysql ? MARIADB_WRITES : POSTGRES_WRITES))

let writes = 0
async function step(): Promise<void> {
  const id = 1 + random(5)
  const kind = random(4)
  if (kind === 0) {
    writes += 1
    await WRITES[random(WRITES.length)]?.(id, `name ${writes}`).catch(() => {})
  } else if (kind === 1) {
    const read = READS[random(READS.length)]
    console.log(JSON.stringify(await Promise.all([1, 2, 3, 4, 5].map((one) => read?.(one)))))
    for (const one of [5, 4, 3, 2, 1]) console.log(JSON.stringify(await read?.(one)))
  } else console.log(JSON.stringify(await READS[random(READS.length)]?.(id)))
}

const server = createServer(async (_, response) => {
  for (let steps = 0; steps < 20; steps += 1) await step()
  response.end()
})
await query("UPDATE author SET name = concat('name of ', id)")
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo
for (let request = 0; request < 15; request += 1) {
  await (await fetch(`http://127.0.0.1:${port}/`)).text()
  // The catalog is read after the first request.
  if (request === 1) await new Promise((resolve) => setTimeout(resolve, 300))
}
server.close()
server.closeAllConnections()
await pool.end()
await source.destroy()
await sequelize.close()
await mikro?.close()
await maria?.end()
await sql.end()
const { batched, cacheHits } = getDefaultSluice().queries.getStats()
console.error(`batched ${batched > 0}, cached ${cacheHits > 0}`)

import { createConnection } from 'mysql2/promise'
import { onMariadb } from '../services/mariadb.ts'
import { databaseOf, randomSuffix, withDatabase } from '../services/service.ts'
import type { Database } from './database.ts'

/** A new database on the MariaDB server of the tests. */
export async function createMariadbDatabase(serviceUrl: string): Promise<Database> {
  const name = `${databaseOf(serviceUrl)}_${randomSuffix()}`
  await onMariadb(serviceUrl, `CREATE DATABASE ${name} CHARACTER SET utf8mb4`)
  const url = withDatabase(serviceUrl, name)
  const connection = await createConnection({ uri: url, multipleStatements: true })
  return {
    dialect: 'mysql',
    url,
    knexConfig: () => ({ client: 'mysql2', connection: url }),
    async exec(script) {
      await connection.query(script)
    },
    async query(sql, params = []) {
      const [rows] = await connection.query(sql, [...params])
      return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []
    },
    async drop() {
      await connection.end()
      await onMariadb(serviceUrl, `DROP DATABASE ${name}`)
    },
  }
}

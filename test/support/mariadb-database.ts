import { createConnection } from 'mysql2/promise'
import { onMariadb } from '../services/mariadb.ts'
import { databaseOf, randomSuffix, withDatabase } from '../services/service.ts'
import type { Database } from './database.ts'

/**
 * A user with privileges on one database only, like that of an app, so that its schema contains no tables of
 * other tests. If the service's user may not create users, that user.
 */
async function createUser(
  serviceUrl: string,
  name: string,
): Promise<{ readonly url: string; drop(): Promise<void> }> {
  const user = `${name}_app`
  const url = new URL(withDatabase(serviceUrl, name))
  try {
    await onMariadb(serviceUrl, `CREATE USER ${user} IDENTIFIED BY '${user}'`)
    await onMariadb(serviceUrl, `GRANT ALL ON \`${name}%\`.* TO ${user}`)
    await onMariadb(serviceUrl, `GRANT PROCESS ON *.* TO ${user}`)
    await onMariadb(serviceUrl, `GRANT SELECT ON mysql.innodb_table_stats TO ${user}`)
    await onMariadb(serviceUrl, `GRANT SELECT ON mysql.innodb_index_stats TO ${user}`)
  } catch {
    return { url: url.href, drop: async () => {} }
  }
  url.username = user
  url.password = user
  return { url: url.href, drop: async () => void (await onMariadb(serviceUrl, `DROP USER ${user}`)) }
}

/** A new database on the MariaDB server of the tests. */
export async function createMariadbDatabase(serviceUrl: string): Promise<Database> {
  const name = `${databaseOf(serviceUrl)}_${randomSuffix()}`
  await onMariadb(serviceUrl, `CREATE DATABASE ${name} CHARACTER SET utf8mb4`)
  const { url, drop } = await createUser(serviceUrl, name)
  const connection = await createConnection({ uri: withDatabase(serviceUrl, name), multipleStatements: true })
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
      await drop()
    },
  }
}

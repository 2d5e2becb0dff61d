import { loadDriver } from './load-driver.ts'
import { ConnectError, type OpenConnection, shownAddress } from './own-connection.ts'

const CONNECT_TIMEOUT_MS = 10_000

export async function openMysql(url: string): Promise<OpenConnection> {
  const { createConnection } = await loadDriver('mysql2/promise', () => import('mysql2/promise'))
  const address = shownAddress(url)
  const parsed = new URL(url.replace(/^mariadb:/, 'mysql:'))
  parsed.search = ''
  try {
    const client = await createConnection({
      uri: parsed.href,
      connectTimeout: CONNECT_TIMEOUT_MS,
      supportBigNumbers: true,
    })
    // A lost connection rejects the running query. Without a listener, the event would end the process.
    client.on('error', () => {})
    const connection: OpenConnection = {
      dialect: 'mysql',
      address,
      query: async (sql, params = []) => {
        const [rows] = await client.query(sql, [...params])
        return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []
      },
      session: (work) => work(connection),
      close: () => client.end(),
    }
    return connection
  } catch (error) {
    throw new ConnectError(address, error)
  }
}

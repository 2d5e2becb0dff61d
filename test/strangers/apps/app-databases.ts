import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDelayProxy } from '../../bench/query/delay-proxy.ts'
import { findBinary } from '../../services/find-binary.ts'
import { freePort } from '../../services/free-port.ts'
import { onMariadb, startMariadb } from '../../services/mariadb.ts'
import { onPostgres, startPostgres } from '../../services/postgres.ts'
import { databaseOf, withDatabase } from '../../services/service.ts'
import { environmentOf } from './app-server.ts'
import type { InstalledApp } from './install.ts'
import type { RealApp } from './real-app.ts'

/** Databases with the same rows. */
export interface AppDatabases {
  /** Creates a copy for a mode. Returns its URL. */
  copyFor(mode: string): Promise<string>
  stop(): Promise<void>
}

/**
 * Starts a server with the rows of an app.
 *
 * @param delayMs - Latency between the app and the server, for each way.
 */
export async function startDatabases(
  app: RealApp,
  installed: InstalledApp,
  delayMs: number,
): Promise<AppDatabases> {
  const service = await (app.dialect === 'mysql' ? startMariadb() : startPostgres())
  try {
    await seed(app, installed, service.url)
    const { hostname, port } = new URL(service.url)
    const network = delayMs > 0 ? await startDelayProxy(hostname, Number(port || 5432), delayMs) : undefined
    return {
      copyFor: async (mode) => {
        const name = `${databaseOf(service.url)}_${mode.replace(/\W/g, '')}`
        await (app.dialect === 'mysql' ? copyMariadb : copyPostgres)(service.url, name)
        const url = new URL(withDatabase(service.url, name))
        if (network !== undefined) url.host = `127.0.0.1:${network.port}`
        return url.href
      },
      stop: async () => {
        await network?.close()
        await service.stop()
      },
    }
  } catch (error) {
    await service.stop()
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
  if (app.dialect === 'postgresql') await onPostgres(url, SAME_PLANS)
}

async function copyPostgres(url: string, name: string): Promise<void> {
  await onPostgres(withDatabase(url, 'postgres'), `CREATE DATABASE "${name}" TEMPLATE "${databaseOf(url)}"`)
}

async function copyMariadb(url: string, name: string): Promise<void> {
  await onMariadb(url, `CREATE DATABASE \`${name}\` CHARACTER SET utf8mb4`)
  const { hostname, port, username, password } = new URL(url)
  const client = (program: string, args: readonly string[], input?: Buffer) => {
    const { status, stdout, stderr, error } = spawnSync(
      findBinary(program) ?? program,
      [`--host=${hostname}`, `--port=${port || 3306}`, `--user=${username}`, ...args],
      { input, maxBuffer: 1024 ** 3, env: { ...process.env, MYSQL_PWD: password } },
    )
    if (status !== 0) throw new Error(`${program} failed: ${error ?? stderr}`)
    return stdout
  }
  client('mariadb', [name], client('mariadb-dump', [databaseOf(url)]))
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

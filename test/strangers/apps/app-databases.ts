import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDelayProxy } from '../../bench/query/delay-proxy.ts'
import { freePort } from '../../services/free-port.ts'
import { onPostgres, startPostgres } from '../../services/postgres.ts'
import { databaseOf, withDatabase } from '../../services/service.ts'
import { environmentOf } from './app-server.ts'
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
export async function startDatabases(app: RealApp, folder: string, delayMs: number): Promise<AppDatabases> {
  const service = await startPostgres()
  try {
    await seed(app, folder, service.url)
    const { hostname, port } = new URL(service.url)
    const network = delayMs > 0 ? await startDelayProxy(hostname, Number(port || 5432), delayMs) : undefined
    return {
      copyFor: async (mode) => {
        const name = `${databaseOf(service.url)}_${mode.replace(/\W/g, '')}`
        const sql = `CREATE DATABASE "${name}" TEMPLATE "${databaseOf(service.url)}"`
        await onPostgres(withDatabase(service.url, 'postgres'), sql)
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

async function seed({ seed: script }: RealApp, folder: string, url: string): Promise<void> {
  if (script === undefined) await onPostgres(url, readFileSync(join(folder, 'seed.sql'), 'utf8'))
  else {
    const child = spawn(process.execPath, script, {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: environmentOf('bare', url, await freePort()),
    })
    const [code] = await once(child, 'exit')
    if (code !== 0) throw new Error(`${script.join(' ')} failed in ${folder} with ${code}.`)
  }
  await onPostgres(url, SAME_PLANS)
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

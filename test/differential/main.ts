import { parseArgs } from 'node:util'
import type { Dialect } from '@sluice/core'
import { startServices } from '../services/index.ts'
import type { ServiceAddress } from '../services/service.ts'
import type { Database } from '../support/database.ts'
import { createMariadbDatabase } from '../support/mariadb-database.ts'
import { createPostgresDatabase } from '../support/postgres-database.ts'
import { createSqliteDatabase } from '../support/sqlite-database.ts'
import { findDifferences } from './oracle.ts'
import { Rig } from './rig.ts'

const USAGE = 'pnpm test:differential [--runs 20000] [--seed 1] [--database sqlite|postgresql|mysql]'
const PROGRESS_EVERY = 500

interface Place {
  readonly dialect: Dialect
  readonly address: ServiceAddress | undefined
  connect(url: string): Promise<Database>
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number)) throw new Error(`Expected --${name} to be a whole number, got "${text}". Usage: ${USAGE}`)
  return number
}

async function runOn({ dialect, address, connect }: Place, runs: number, seed: number): Promise<boolean> {
  if (address !== undefined && 'skipped' in address) {
    console.warn(`${dialect}: skipped. ${address.skipped}`)
    return true
  }
  const rig = await Rig.open(await connect(address?.url ?? ''))
  const startedAt = Date.now()
  const onProgress = (done: number) => {
    if (done % PROGRESS_EVERY === 0)
      console.log(`${dialect}: ${done} of ${runs} programs, ${Math.round((Date.now() - startedAt) / 1000)} s`)
  }
  try {
    console.log(`${dialect}: ${runs} programs of seed ${seed}`)
    const effect = await findDifferences(rig, { runs, seed, onProgress })
    console.log(`${dialect}: no difference. ${JSON.stringify(effect)}`)
    return true
  } catch (error) {
    console.error(`${dialect}:`, error)
    return false
  } finally {
    await rig.close()
  }
}

const { values } = parseArgs({ options: { runs: { type: 'string' }, seed: { type: 'string' }, database: { type: 'string' } } })
const runs = wholeNumber('runs', values.runs ?? '20000')
const seed = wholeNumber('seed', values.seed ?? process.env.SLUICE_SEED ?? String(Date.now() % 2 ** 31))
const services = await startServices()
try {
  const places: readonly Place[] = [
    { dialect: 'sqlite', address: undefined, connect: createSqliteDatabase },
    { dialect: 'postgresql', address: services.postgres, connect: createPostgresDatabase },
    { dialect: 'mysql', address: services.mariadb, connect: createMariadbDatabase },
  ]
  const chosen = places.filter(({ dialect }) => values.database === undefined || dialect === values.database)
  if (chosen.length === 0)
    throw new Error(`Expected --database to be one of ${places.map(({ dialect }) => dialect).join(', ')}. Usage: ${USAGE}`)
  for (const place of chosen) if (!(await runOn(place, runs, seed))) process.exitCode = 1
} finally {
  await services.stop()
}

import type { TestProject } from 'vitest/node'
import { type Services, startServices } from './index.ts'
import { knexClients } from './knex-clients.ts'
import type { ServiceAddress } from './service.ts'

export interface ServiceAddresses {
  readonly postgres: ServiceAddress
  readonly mariadb: ServiceAddress
  readonly redis: ServiceAddress
  readonly memcached: ServiceAddress
}

declare module 'vitest' {
  export interface ProvidedContext {
    services: ServiceAddresses
  }
}

/**
 * Shared by the projects of one run. Vitest loads this module once per project, so module state is not
 * shared.
 */
interface SharedServices {
  services?: Promise<Services> | undefined
  users: number
}

const SHARED = Symbol.for('sluice.test.services')

function shared(): SharedServices {
  const holder = globalThis as { [SHARED]?: SharedServices }
  holder[SHARED] ??= { users: 0 }
  return holder[SHARED]
}

/**
 * Vitest's global setup of the tests on servers: one real server of each kind for all test files of a run.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const state = shared()
  state.users += 1
  state.services ??= startAndReport()
  const { stop, ...addresses } = await state.services
  project.provide('services', addresses)
  return async () => {
    state.users -= 1
    if (state.users > 0) return
    state.services = undefined
    await stop()
  }
}

async function startAndReport(): Promise<Services> {
  const services = await startServices()
  const { postgres, mariadb, redis, memcached } = services
  const named = { PostgreSQL: postgres, MariaDB: mariadb, Redis: redis, Memcached: memcached }
  for (const [name, service] of Object.entries(named)) {
    if ('skipped' in service)
      console.warn(`Tests on ${name} are skipped. ${service.skipped.split('\n', 1)[0]}`)
  }
  for (const { client, skipped } of (['sqlite', 'postgresql', 'mysql'] as const).flatMap(knexClients))
    if (skipped !== undefined) console.warn(`Tests of Knex through ${client} are skipped. ${skipped}`)
  return services
}

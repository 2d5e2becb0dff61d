import type { TestProject } from 'vitest/node'
import { startServices } from './index.ts'
import type { ServiceAddress } from './service.ts'

export interface ServiceAddresses {
  readonly postgres: ServiceAddress
  readonly mariadb: ServiceAddress
  readonly redis: ServiceAddress
}

declare module 'vitest' {
  export interface ProvidedContext {
    services: ServiceAddresses
  }
}

/** Vitest's global set-up of the integration tests: real servers for all test files of a run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { postgres, mariadb, redis, stop } = await startServices()
  for (const [name, service] of Object.entries({ PostgreSQL: postgres, MariaDB: mariadb, Redis: redis })) {
    if ('skipped' in service) console.warn(`Tests on ${name} are skipped. ${service.skipped.split('\n', 1)[0]}`)
  }
  project.provide('services', { postgres, mariadb, redis })
  return stop
}

import { type Sluice, SluiceError } from '@sluice/core'

type EngineName = 'cache' | 'database' | 'balancer' | 'jobs' | 'monitor'

const called: Readonly<Record<EngineName, string>> = {
  cache: 'The cache',
  database: 'The database engine',
  balancer: 'The balancer',
  jobs: 'The job engine',
  monitor: 'The monitor',
}

/** An engine of a Sluice. @throws SluiceError `SLUICE_ENGINE_OFF` that says how to switch it on. */
export function engineOf<K extends EngineName>(sluice: Sluice, name: K): NonNullable<Sluice[K]> {
  const engine = sluice[name]
  if (engine) return engine
  throw new SluiceError(
    'SLUICE_ENGINE_OFF',
    `${called[name]} is switched off: take \`${name}: false\` out of the options of createSluice().`,
  )
}

import { InvalidOptionError, type SluiceOptions } from '@sluice/core'
import { checkOptions, type OptionRule, option, printsReports } from '@sluice/core/siblings'
import { CLIENT_NAMES, ORM_NAMES } from './client-names.ts'
import type { ClientChoice, RegisterOptions } from './define-config.ts'
import { readConfig } from './read-config.ts'

const REPORTS = ['stderr', 'json', 'off'] as const

/** How Sluice attaches to this process: by the environment, then the config file, then the defaults. */
export interface Settings {
  readonly sluice: SluiceOptions
  readonly clients: ClientChoice
  readonly ignore: ReadonlySet<string>
  /** Whether jobs have scopes. */
  readonly jobs: boolean
  readonly report: (typeof REPORTS)[number]
  /** The port of the dashboard; 0: any; `undefined`: none. */
  readonly dashboardPort: number | undefined
}

/** @throws InvalidOptionError if the environment or the config file is invalid. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const { register = {}, ...sluice } = readConfig(env)
  checkRegister(register)
  const { clients = {}, ignore = [], jobs = true } = register
  return {
    sluice: withEnvironment(sluice, env),
    clients: env.SLUICE_CLIENTS === undefined ? clients : chosenBy(env.SLUICE_CLIENTS),
    ignore: new Set(ignore),
    jobs,
    report: reportOf(env),
    dashboardPort: portOf(env),
  }
}

/**
 * Whether Sluice attaches to a client.
 *
 * @param names - Names of a driver and of the ORM above it.
 */
export function isChosen({ include, exclude = [] }: ClientChoice, names: readonly string[]): boolean {
  const keys = names.map((name) => name.toLowerCase())
  return (
    !keys.some((key) => exclude.includes(key)) &&
    (include === undefined || keys.some((key) => include.includes(key)))
  )
}

const KNOWN = [...CLIENT_NAMES, ...ORM_NAMES].map((name) => name.toLowerCase())

const clientsRule: OptionRule = {
  expected: `names of clients: ${KNOWN.join(', ')}`,
  accepts: (value) => Array.isArray(value) && value.every((name) => KNOWN.includes(name)),
}

function checkRegister(options: RegisterOptions): void {
  checkOptions(options, { clients: option.object, ignore: option.strings, jobs: option.boolean }, 'register.')
  const rules = { include: clientsRule, exclude: clientsRule }
  if (options.clients !== undefined) checkOptions(options.clients, rules, 'register.clients.')
}

/** `pg,knex`: only these. `-knex`: all others. */
function chosenBy(text: string): ClientChoice {
  const names = text
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
  const exclude = names.filter((name) => name.startsWith('-')).map((name) => name.slice(1))
  const include = names.filter((name) => !name.startsWith('-'))
  if (!clientsRule.accepts([...include, ...exclude]))
    throw new InvalidOptionError('SLUICE_CLIENTS', clientsRule.expected, text)
  return include.length === 0 ? { exclude } : { include, exclude }
}

function withEnvironment(options: SluiceOptions, env: NodeJS.ProcessEnv): SluiceOptions {
  const { mode, cache, ...rest } = options
  return {
    ...rest,
    // `createSluice` reads the mode of the environment.
    ...(env.SLUICE_MODE === undefined && mode !== undefined ? { mode } : {}),
    cache: cacheOf(env.SLUICE_CACHE, cache),
  }
}

/** An app that did not choose Sluice does not specify which other programs write to its database. */
const OFF = { tables: [] }

type CacheSetting = NonNullable<SluiceOptions['cache']>

function cacheOf(text: string | undefined, configured?: CacheSetting): CacheSetting {
  if (text === undefined) return configured ?? OFF
  if (text === 'off') return OFF
  const ttl = Number(text)
  if (!(ttl > 0)) throw new InvalidOptionError('SLUICE_CACHE', 'off or a number of seconds', text)
  return { ...configured, ttl }
}

function reportOf({ SLUICE_REPORT: text }: NodeJS.ProcessEnv): Settings['report'] {
  if (text === undefined || text === '') return printsReports() ? 'stderr' : 'off'
  const report = REPORTS.find((one) => one === text)
  if (report === undefined) throw new InvalidOptionError('SLUICE_REPORT', REPORTS.join(', '), text)
  return report
}

function portOf({ SLUICE_DASHBOARD: text }: NodeJS.ProcessEnv): number | undefined {
  if (text === undefined || text === '' || text === '0' || text === 'off') return undefined
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new InvalidOptionError('SLUICE_DASHBOARD', '1 or a port', text)
  return port === 1 ? 0 : port
}

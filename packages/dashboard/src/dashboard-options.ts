import cluster from 'node:cluster'
import type { IncomingMessage } from 'node:http'
import { InvalidOptionError } from '@sluice/core'
import { checkOptions, type OptionRule, option, type ProcessLink, trimEnd } from '@sluice/core/siblings'
import { localProcesses } from './processes/local-processes.ts'

export interface DashboardOptions {
  /**
   * Authorizes access: `read` to view data, `act` for actions. If set, only its result counts. Required in
   * production.
   * @defaultValue requests from this machine, in development
   */
  readonly authorize?: (request: IncomingMessage, what: 'read' | 'act') => boolean | Promise<boolean>
  /**
   * Returns the user of an action, for `authorize` and `audit` of `jobs`, and for alerts. An error or an
   * empty string rejects the action.
   * @defaultValue 'dashboard'
   */
  readonly actor?: (request: IncomingMessage) => string
  /**
   * Path of the dashboard. A mount path in Express, or a `prefix` in Fastify, takes precedence.
   * @defaultValue '/_sluice'
   */
  readonly path?: string
  /**
   * Name of the app.
   * @defaultValue the name in the package.json of the working directory
   */
  readonly name?: string
  /**
   * Maximum heap size of the last requests in bytes, as an estimate. Minimum: `65,536`.
   * @defaultValue 16777216
   */
  readonly maxBytes?: number
  /**
   * Shows the values of query parameters, the data of tasks, and plans as the database returns them.
   * @defaultValue false
   */
  readonly showParameters?: boolean
  /**
   * Enables actions. `false` disables them for everyone, regardless of `authorize`.
   * @defaultValue true
   */
  readonly actions?: boolean
  /**
   * Maximum number of open streams. Minimum: `1`.
   * @defaultValue 32
   */
  readonly maxStreams?: number
  /**
   * Maximum size of the body of an action, in bytes. Minimum: `128`.
   * @defaultValue 16384
   */
  readonly maxBodyBytes?: number
  /**
   * Connects the dashboards of several processes, so that each shows the data of all: `localProcesses()` on
   * one machine, `redisProcesses(redis)` of `@sluice/redis` on several machines. `false`: each process shows
   * only its own data.
   * @defaultValue the workers of one primary in `node:cluster`, otherwise `false`
   */
  readonly processes?: ProcessLink | false
  /**
   * Receives the URL of the dashboard with its key, once at startup, when the first HTTP server of the
   * process listens or after 5 seconds, and after each use of the key. `false` disables it.
   * @defaultValue stderr, if there is no `authorize`
   */
  readonly announce?: false | ((text: string) => void)
  /**
   * Origin of the app for the printed URL: `http://localhost:3000`.
   * @defaultValue that of the first HTTP server that listens after `createDashboard`
   */
  readonly origin?: string
}

export interface ResolvedDashboardOptions {
  readonly authorize: DashboardOptions['authorize']
  readonly actor: DashboardOptions['actor']
  readonly path: string
  readonly name: string | undefined
  readonly maxBytes: number
  readonly showParameters: boolean
  readonly actions: boolean
  readonly maxStreams: number
  readonly maxBodyBytes: number
  readonly announce: DashboardOptions['announce']
  readonly origin: string
  readonly processes: ProcessLink | undefined
}

const text: OptionRule = {
  expected: 'a non-empty string',
  accepts: (value) => typeof value === 'string' && value.trim() !== '',
}

const rules: Readonly<Record<keyof DashboardOptions, OptionRule>> = {
  authorize: option.callback,
  actor: option.callback,
  path: {
    expected: 'a path that starts with "/", without a query',
    accepts: (value) => typeof value === 'string' && /^\/[^?#\s]*$/.test(value),
  },
  name: text,
  maxBytes: option.integer(65_536),
  showParameters: option.boolean,
  actions: option.boolean,
  maxStreams: option.integer(1),
  maxBodyBytes: option.integer(128),
  announce: option.either(option.false, option.callback),
  origin: text,
  processes: option.either(option.false, {
    expected: 'the result of localProcesses() or redisProcesses()',
    accepts: (value) => typeof (value as Partial<ProcessLink> | null)?.request === 'function',
  }),
}

/** @throws InvalidOptionError */
export function resolveDashboardOptions(options: DashboardOptions): ResolvedDashboardOptions {
  checkOptions(options, rules)
  const { origin } = options
  return {
    authorize: options.authorize,
    actor: options.actor,
    path: trimEnd(options.path ?? '/_sluice', '/'),
    name: options.name,
    maxBytes: options.maxBytes ?? 16_777_216,
    showParameters: options.showParameters ?? false,
    actions: options.actions ?? true,
    maxStreams: options.maxStreams ?? 32,
    maxBodyBytes: options.maxBodyBytes ?? 16_384,
    announce: options.announce,
    origin: origin === undefined ? '' : originOf(origin),
    processes: options.processes === false ? undefined : (options.processes ?? workersOfPrimary(options)),
  }
}

/** Connects the dashboards of the workers of one primary. */
function workersOfPrimary({ name = '', path = '' }: DashboardOptions): ProcessLink | undefined {
  if (!cluster.isWorker || process.platform === 'win32') return undefined
  // An app can have several Sluice instances with one dashboard each.
  return localProcesses({ group: `workers of ${process.ppid}, ${name}, ${path}`.slice(0, 200) })
}

function originOf(origin: string): string {
  const url = URL.canParse(origin) ? new URL(origin) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.origin
  throw new InvalidOptionError('origin', 'an origin such as http://localhost:3000', origin)
}

import cluster from 'node:cluster'
import type { IncomingMessage } from 'node:http'
import { InvalidOptionError } from '@sluice/core'
import { checkOptions, type OptionRule, option, type ProcessLink } from '@sluice/core/siblings'
import { localProcesses } from './processes/local-processes.ts'

export interface DashboardOptions {
  /**
   * Says who may look (`read`) and who may change something (`act`). Where it is given, it alone decides; in production there is no dashboard without it.
   * @defaultValue requests of this machine's own, in development
   */
  readonly authorize?: (request: IncomingMessage, what: 'read' | 'act') => boolean | Promise<boolean>
  /**
   * Returns who performs an action: for `authorize` and `audit` of `jobs`, and for alerts. An error or an empty string refuses the action.
   * @defaultValue 'dashboard'
   */
  readonly actor?: (request: IncomingMessage) => string
  /**
   * Where it is served. What it is mounted at (Express) or registered with (Fastify: `prefix`) counts before it.
   * @defaultValue '/_sluice'
   */
  readonly path?: string
  /**
   * What the app is called.
   * @defaultValue the name in the package.json of the working directory
   */
  readonly name?: string
  /**
   * Bytes of heap that the last requests may take, as an estimate. Minimum: `65,536`.
   * @defaultValue 16777216
   */
  readonly maxBytes?: number
  /**
   * Shows the values that queries were asked with, the data of tasks, and plans as the database gives them.
   * @defaultValue false
   */
  readonly showParameters?: boolean
  /**
   * Whether anything may be changed from the page; `false`: nobody can, whatever `authorize` says.
   * @defaultValue true
   */
  readonly actions?: boolean
  /**
   * Streams that may be open at once. Minimum: `1`.
   * @defaultValue 32
   */
  readonly maxStreams?: number
  /**
   * Bytes that the body of an action may have. Minimum: `128`.
   * @defaultValue 16384
   */
  readonly maxBodyBytes?: number
  /**
   * Joins the dashboards of an app's processes: each then shows all of them. `localProcesses()` for those of one machine, `redisProcesses(redis)` of `@sluice/redis` for
   * those of several. `false`: each shows itself alone.
   * @defaultValue the workers of one primary in `node:cluster`, otherwise `false`
   */
  readonly processes?: ProcessLink | false
  /**
   * Is told once where the dashboard is, with the URL that lets another machine in; `false`: nobody is.
   * @defaultValue stderr, if there is no `authorize`
   */
  readonly announce?: false | ((text: string) => void)
  /**
   * Where the app is reached, for the URL that is told: `http://localhost:3000`.
   * @defaultValue the path alone
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

const text: OptionRule = { expected: 'a text that is not empty', accepts: (value) => typeof value === 'string' && value.trim() !== '' }

const rules: Readonly<Record<keyof DashboardOptions, OptionRule>> = {
  authorize: option.callback,
  actor: option.callback,
  path: {
    expected: 'a path that begins with "/", without a query',
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
    expected: 'what localProcesses() or redisProcesses() gives',
    accepts: (value) => typeof (value as Partial<ProcessLink> | null)?.ask === 'function',
  }),
}

/** @throws InvalidOptionError */
export function resolveDashboardOptions(options: DashboardOptions): ResolvedDashboardOptions {
  checkOptions(options, rules)
  const { origin } = options
  return {
    authorize: options.authorize,
    actor: options.actor,
    path: (options.path ?? '/_sluice').replace(/\/+$/, ''),
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

/** The same dashboard in the workers of one primary. */
function workersOfPrimary({ name = '', path = '' }: DashboardOptions): ProcessLink | undefined {
  if (!cluster.isWorker || process.platform === 'win32') return undefined
  // An app may have several Sluices, and a dashboard of each.
  return localProcesses({ group: `workers of ${process.ppid}, ${name}, ${path}`.slice(0, 200) })
}

function originOf(origin: string): string {
  const url = URL.canParse(origin) ? new URL(origin) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.origin
  throw new InvalidOptionError('origin', 'an origin such as http://localhost:3000', origin)
}

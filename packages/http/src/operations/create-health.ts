import type { IncomingMessage } from 'node:http'
import { InvalidOptionError, type Sluice } from '@sluice/core'
import {
  checkOptions,
  errorMessage,
  hostOf,
  isAllowed,
  isDevelopment,
  isLocalRequest,
  option,
  within,
} from '@sluice/core/siblings'
import { drainStateOf } from '../shutdown/graceful-shutdown.ts'
import { send } from '../small-responses.ts'
import type { OperationsHandler } from './create-metrics-handler.ts'

/** Media type of the IETF draft draft-inadarei-api-health-check-06. */
const TYPE = 'application/health+json'
/** Maximum characters of an error message that are reported. */
const MAX_OUTPUT = 300

/** Result of one check. */
export interface HealthDetail {
  readonly status: HealthStatus
  readonly observedValue: number
  readonly observedUnit: 'ms'
  /** When the check started, in ISO 8601. */
  readonly time: string
  /** Error message of a failed check. */
  readonly output?: string
}

export interface HealthReport {
  readonly status: HealthStatus
  readonly checks: Readonly<Record<string, readonly [HealthDetail]>>
}

/** Handlers for health probes. */
export interface Health {
  /**
   * Liveness: whether the process responds. Always returns `200`. If there is no response, restart the
   * process.
   */
  readonly live: OperationsHandler
  /**
   * Readiness: whether the process can receive requests. Returns `503` while it shuts down, or if a required
   * dependency does not respond.
   */
  readonly ready: OperationsHandler
  /** The checks that readiness uses. */
  check(): Promise<HealthReport>
  readonly isDraining: boolean
}

/**
 * Creates handlers for liveness and readiness probes. Each check has a timeout, and a check is not started
 * again before it has finished.
 *
 * @throws InvalidArgumentError; InvalidOptionError.
 * @example
 * ```ts
 * const health = createHealth(sluice, { checks: { search: () => search.ping() } })
 * createServer((request, response) => void health.ready(request, response)).listen(9100, '127.0.0.1')
 * ```
 */
export function createHealth(sluice: Sluice, options: HealthOptions = {}): Health {
  return new SluiceHealth(sluice, options)
}

class SluiceHealth implements Health {
  #latest: { readonly at: number; readonly report: Promise<HealthReport> } | undefined
  /** Checks that have not finished, including those whose timeout has passed. */
  readonly #underWay = new Map<string, Promise<unknown>>()

  constructor(
    private readonly sluice: Sluice,
    private readonly options: HealthOptions,
  ) {
    hostOf(sluice)
    checkHealthOptions(options)
  }

  get isDraining(): boolean {
    return drainStateOf(this.sluice).isDraining
  }

  readonly live: OperationsHandler = async (request, response) => {
    send(request, response, 200, TYPE, '{"status":"pass"}')
  }

  readonly ready: OperationsHandler = async (request, response) => {
    try {
      if (this.isDraining) {
        send(request, response, 503, TYPE, '{"status":"fail","output":"draining"}', { 'retry-after': '1' })
        return
      }
      const report = await this.check()
      const shown = (await this.#mayKnow(request)) ? report : { status: report.status }
      send(request, response, report.status === 'fail' ? 503 : 200, TYPE, JSON.stringify(shown))
    } catch (error) {
      hostOf(this.sluice).reportError(error)
      send(request, response, 503, TYPE, '{"status":"fail"}')
    }
  }

  check(): Promise<HealthReport> {
    const { cacheMs = 1_000 } = this.options
    const now = performance.now()
    if (this.#latest !== undefined && now - this.#latest.at < cacheMs) return this.#latest.report
    const report = this.#check()
    this.#latest = { at: now, report }
    return report
  }

  async #check(): Promise<HealthReport> {
    const { checks = {}, database = true } = this.options
    const all = healthChecks(this.sluice, checks, database)
    const details = await Promise.all(
      all.map(async (one) => [one.name, [await this.#detailOf(one)]] as const),
    )
    const statuses = details.map(([, [{ status }]]) => status)
    const status = statuses.includes('fail') ? 'fail' : statuses.includes('warn') ? 'warn' : 'pass'
    return { status, checks: Object.fromEntries(details) }
  }

  async #detailOf({ name, failing, check }: NamedCheck): Promise<HealthDetail> {
    const startedAt = performance.now()
    const time = new Date().toISOString()
    const detail = (status: HealthStatus, output?: string): HealthDetail => ({
      status,
      observedValue: Math.round((performance.now() - startedAt) * 10) / 10,
      observedUnit: 'ms',
      time,
      ...(output === undefined ? {} : { output: output.slice(0, MAX_OUTPUT) }),
    })
    try {
      const result = await within(this.options.timeoutMs ?? 1_000, this.#run(name, check))
      return result === false ? detail(failing, 'The check returned false.') : detail('pass')
    } catch (error) {
      return detail(failing, errorMessage(error))
    }
  }

  #run(name: string, check: () => unknown): Promise<unknown> {
    const known = this.#underWay.get(name)
    if (known !== undefined) return known
    const running = Promise.resolve()
      .then(check)
      .finally(() => this.#underWay.delete(name))
    this.#underWay.set(name, running)
    running.catch(() => {})
    return running
  }

  async #mayKnow(request: IncomingMessage): Promise<boolean> {
    const { authorize } = this.options
    if (authorize === undefined) return isDevelopment() && isLocalRequest(request)
    return await isAllowed(
      () => authorize(request),
      (error) => hostOf(this.sluice).reportError(error),
    )
  }
}

/** A check fails if it throws, rejects or returns `false`. */
export type HealthCheck = () => unknown

export interface HealthOptions {
  /**
   * Additional checks by name. A check fails if its function throws, rejects or returns `false`.
   * @defaultValue none
   */
  readonly checks?: Readonly<Record<string, HealthCheck>>
  /**
   * Whether the databases of attached clients are checked with `SELECT 1`.
   * @defaultValue true
   */
  readonly database?: boolean
  /**
   * Timeout of a check, in milliseconds. Greater than `0`.
   * @defaultValue 1000
   */
  readonly timeoutMs?: number
  /**
   * How long the results of the checks are cached, in milliseconds. Minimum: `0`.
   * @defaultValue 1000
   */
  readonly cacheMs?: number
  /**
   * Returns whether the response lists each check. Otherwise, it contains the status only.
   * @defaultValue requests from this machine
   */
  readonly authorize?: (request: IncomingMessage) => boolean | Promise<boolean>
}

/** @throws InvalidOptionError. */
function checkHealthOptions(options: HealthOptions): void {
  const { boolean, callback, number, object, positive } = option
  checkOptions(options, {
    checks: object,
    database: boolean,
    timeoutMs: positive,
    cacheMs: number(0),
    authorize: callback,
  })
  for (const [name, check] of Object.entries(options.checks ?? {})) {
    if (typeof check !== 'function') throw new InvalidOptionError(`checks.${name}`, 'a function', check)
  }
}

export type HealthStatus = 'pass' | 'warn' | 'fail'

/** A check, and the status that it has when it fails. */
interface NamedCheck {
  readonly name: string
  /** `warn`: the app works without it. */
  readonly failing: 'warn' | 'fail'
  readonly check: HealthCheck
}

/** Returns the current checks of a Sluice, and those of the app. */
function healthChecks(
  sluice: Sluice,
  own: Readonly<Record<string, HealthCheck>>,
  withDatabase: boolean,
): readonly NamedCheck[] {
  return [
    ...(withDatabase ? databases(sluice) : []),
    ...store(sluice),
    ...balancer(sluice),
    ...jobs(sluice),
    ...Object.entries(own).map(([name, check]): NamedCheck => ({ name, failing: 'fail', check })),
  ]
}

function databases(sluice: Sluice): readonly NamedCheck[] {
  return hostOf(sluice)
    .connections.all()
    .map((connection, at) => ({
      name: at === 0 ? 'database' : `database:${at + 1}`,
      failing: 'fail',
      check: () => connection.query('SELECT 1'),
    }))
}

/** Without the store, reads go to the database. */
function store(sluice: Sluice): readonly NamedCheck[] {
  const { pingStore } = hostOf(sluice)
  return pingStore === undefined ? [] : [{ name: 'store', failing: 'warn', check: pingStore }]
}

function balancer(sluice: Sluice): readonly NamedCheck[] {
  const { balancer: engine } = sluice
  if (engine === undefined || engine.nodes.length === 0) return []
  const check = () => {
    const { healthyNodes, degradedNodes, totalNodes } = engine.getClusterStats()
    if (healthyNodes + degradedNodes === 0) throw new Error(`None of the ${totalNodes} nodes is available.`)
  }
  return [{ name: 'balancer', failing: 'fail', check }]
}

function jobs(sluice: Sluice): readonly NamedCheck[] {
  const { jobs: engine } = sluice
  // Do not open the backend, which may create tables.
  if (engine?.isOpen !== true) return []
  return engine.getQueues().map(({ name }) => ({
    name: `jobs:${name}`,
    failing: 'warn',
    check: async () => {
      const { health, reasons } = await engine.getQueueHealth(name)
      if (health === 'unhealthy') throw new Error(reasons.join(' '))
    },
  }))
}

import type { IncomingMessage } from 'node:http'
import type { Sluice } from '@sluice/core'
import { errorMessage, hostOf, isAllowed, isDevelopment, isLocalRequest, within } from '@sluice/core/siblings'
import { drainStateOf } from '../shutdown/graceful-shutdown.ts'
import { send } from '../small-responses.ts'
import type { OperationsHandler } from './create-metrics-handler.ts'
import {
  checkHealthOptions,
  type HealthOptions,
  type HealthStatus,
  healthChecks,
  type NamedCheck,
} from './health-checks.ts'

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

import { InvalidArgumentError, SluiceError } from '../shared/errors.ts'
import { LatencyHistogram } from '../shared/histogram.ts'
import { isIP } from '../shared/late-modules.ts'
import type { ResolvedNodeOptions } from './load-balancing-options.ts'
import { hashText } from './strategies/rendezvous.ts'

/**
 * `degraded` nodes get a reduced share. `unhealthy` ones and those in `maintenance` are never picked: the
 * first is for probes to say, the second for people.
 */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy' | 'maintenance'

/** An HTTP upstream or a database server that the balancer selects and updates. */
export interface ServerNode {
  /** `host:port`; an IPv6 address in brackets. */
  readonly id: string
  readonly host: string
  readonly port: number
  readonly weight: number
  readonly status: HealthStatus
  readonly activeConnections: number
  readonly maxConnections: number
  readonly region?: string | undefined
  /** Within the region. */
  readonly zone?: string | undefined
  /** Milliseconds: a moving average that forgets within some seconds. 0 before the first answer. */
  readonly responseTime: number
  /** The share of failed requests, 0 to 1: a moving average over some fifty requests. */
  readonly errorRate: number
}

export function nodeId(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Letters, digits, `-`, `_` and dots, as host names have them. */
const HOST = /^(?=.{1,253}$)[\w](?:[\w-]{0,61}\w)?(?:\.\w(?:[\w-]{0,61}\w)?)*\.?$/

/** @throws InvalidArgumentError for an invalid host or port. */
export function checkAddress(host: unknown, port: unknown): void {
  if (typeof host !== 'string' || !(isIP(host) !== 0 || (HOST.test(host) && !/^[\d.]+$/.test(host)))) {
    throw new InvalidArgumentError(
      'host',
      'a host name or an IP address, without scheme, port and path',
      host,
    )
  }
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535) {
    throw new InvalidArgumentError('port', 'an integer from 1 to 65535', port)
  }
}

/** A node with this host and port is already registered. */
export class DuplicateNodeError extends SluiceError {
  constructor(readonly nodeId: string) {
    super('SLUICE_DUPLICATE_NODE', `The node ${nodeId} is already registered. Remove it first, or keep it.`)
  }
}

/** No node with this id is registered. */
export class UnknownNodeError extends SluiceError {
  constructor(
    readonly nodeId: string,
    known: readonly string[],
  ) {
    const shown =
      known.length === 0 ? 'none' : `${known.slice(0, 10).join(', ')}${known.length > 10 ? ', …' : ''}`
    super('SLUICE_UNKNOWN_NODE', `Unknown node "${nodeId}". Known nodes: ${shown}.`)
  }
}

/** Milliseconds in which a moving average of times forgets two thirds. */
const FORGET_MS = 5_000
/** Weight of one request in the error rate. */
const ERROR_STEP = 0.02

export class NodeState implements ServerNode {
  readonly id: string
  /** For consistent hashing. */
  readonly hash: number
  readonly weight: number
  readonly maxConnections: number
  readonly region: string | undefined
  readonly zone: string | undefined
  status: HealthStatus = 'healthy'
  activeConnections = 0
  responseTime = 0
  errorRate = 0
  /** Factor of its weight: lower while it is degraded or starts slowly. Above 0, at most 1. */
  factor = 1
  /** The factor without slow start. */
  steadyFactor = 1
  /** Milliseconds of the slowest answer, which fades with time: what `peak-ewma` goes by. */
  peakMs = 0
  peakAt = 0
  isDraining = false
  isRemoved = false
  /** By the engine's clock; 0: not ejected. */
  ejectedUntil = 0
  /** How often it was ejected of late: the next time is longer. */
  ejections = 0
  totalEjections = 0
  /** When it came back, to start slowly; `-Infinity`: it is not starting. */
  reinstatedAt: number = Number.NEGATIVE_INFINITY
  consecutiveFailures = 0
  picks = 0
  requests = 0
  failures = 0
  /** The window that ejection by rate looks at. */
  windowAt: number = Number.NEGATIVE_INFINITY
  windowRequests = 0
  windowFailures = 0
  /** When it last answered, or was given something to do after it had nothing. */
  progressAt = 0
  /** Called when its last connection is released. */
  onIdle: (() => void) | undefined
  readonly latencies: LatencyHistogram = new LatencyHistogram()
  #answeredAt = 0

  constructor(
    readonly host: string,
    readonly port: number,
    { weight, maxConnections, region, zone }: ResolvedNodeOptions,
  ) {
    this.weight = weight
    this.maxConnections = maxConnections
    this.region = region
    this.zone = zone
    this.id = nodeId(host, port)
    this.hash = hashText(this.id)
  }

  /** The weight that it is picked by. */
  get share(): number {
    return this.weight * this.factor
  }

  /** Whether it can be selected, regardless of ejection. */
  get isUp(): boolean {
    return (this.status === 'healthy' || this.status === 'degraded') && !this.isDraining
  }

  get isEjected(): boolean {
    return this.ejectedUntil !== 0
  }

  get hasRoom(): boolean {
    return this.activeConnections < this.maxConnections
  }

  /** Takes in an answer, good or bad, that took so long. */
  answered(now: number, ms: number, isError: boolean): void {
    this.#timed(now, ms)
    this.progressAt = now
    this.latencies.add(now, ms)
    this.counted(isError)
  }

  /** Records that a response takes longer than `ms`; its actual time will not be known. */
  takesLonger(now: number, ms: number): void {
    if (ms > this.responseTime) this.#timed(now, ms)
  }

  /** Takes in that a request ended, with an answer or without. */
  counted(isError: boolean): void {
    this.requests += 1
    if (isError) this.failures += 1
    this.errorRate = this.errorRate * (1 - ERROR_STEP) + (isError ? ERROR_STEP : 0)
  }

  #timed(now: number, ms: number): void {
    const decay = this.requests === 0 ? 0 : Math.exp((this.#answeredAt - now) / FORGET_MS)
    this.#answeredAt = now
    this.responseTime = this.responseTime * decay + ms * (1 - decay)
    const faded = this.peakMs * Math.exp((this.peakAt - now) / FORGET_MS)
    this.peakMs = Math.max(ms, faded)
    this.peakAt = now
  }
}

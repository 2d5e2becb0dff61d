import { isIP } from 'node:net'
import { InvalidArgumentError, SluiceError } from '../shared/errors.ts'

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

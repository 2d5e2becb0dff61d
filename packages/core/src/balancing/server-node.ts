/**
 * `degraded` nodes get a reduced share. `unhealthy` ones and those in `maintenance` are never picked: the first is for probes to say, the second for
 * people.
 */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy' | 'maintenance'

/** An HTTP upstream or a database server that the balancer picks; kept up to date by it. */
export interface ServerNode {
  /** `host:port`; an IPv6 address in brackets. */
  readonly id: string
  readonly host: string
  readonly port: number
  readonly weight: number
  readonly status: HealthStatus
  readonly activeConnections: number
  readonly maxConnections: number
  /** Milliseconds: a moving average that forgets within some seconds. 0 before the first answer. */
  readonly responseTime: number
  /** The share of failed requests, 0 to 1: a moving average over some fifty requests. */
  readonly errorRate: number
}

export function nodeId(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

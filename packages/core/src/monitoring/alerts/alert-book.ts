import type { Clock } from '../../shared/clock.ts'
import { InvalidArgumentError } from '../../shared/errors.ts'
import { type Alert, type AlertChange, type AlertSeverity, severityRank } from './alert.ts'

/** Alerts that are over and are remembered; the oldest go first. */
const MAX_RESOLVED = 500

/** A state that is to be known: what it is of, how bad, and since when. */
export interface Condition {
  readonly metric: string
  readonly source: string
  readonly severity: AlertSeverity
  readonly message: string
  readonly value: number
  readonly threshold: number
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** The alerts there are. One of a metric and a source is open at a time, with the severity that it has now. */
export class AlertBook {
  readonly #open = new Map<string, Mutable<Alert>>()
  readonly #resolved: Alert[] = []
  #lastId = 0

  constructor(
    private readonly clock: Clock,
    private readonly changed: (alert: Alert, change: AlertChange) => void,
  ) {}

  /** Open ones, the worst first, and of those the newest. */
  active(limit: number): readonly Alert[] {
    return [...this.#open.values()]
      .sort((a, b) => severityRank[b.severity] - severityRank[a.severity] || b.raisedAt - a.raisedAt)
      .slice(0, limit)
      .map(copyOf)
  }

  /** Those that are over, the newest first. */
  resolved(limit: number): readonly Alert[] {
    return this.#resolved.slice(-limit).reverse()
  }

  of(metric: string, source: string): Alert | undefined {
    return this.#open.get(keyOf(metric, source))
  }

  /** Raises an alert, or brings the one that is open up to date. */
  set(condition: Condition): void {
    const { metric, source, severity, message, value, threshold } = condition
    const key = keyOf(metric, source)
    const now = this.clock.wall()
    const open = this.#open.get(key)
    if (open === undefined) {
      this.#lastId += 1
      const id = `alert-${now.toString(36)}-${this.#lastId}`
      const alert: Mutable<Alert> = { id, ...condition, status: 'active', raisedAt: now, updatedAt: now }
      this.#open.set(key, alert)
      this.changed(copyOf(alert), 'raised')
      return
    }
    const difference = severityRank[severity] - severityRank[open.severity]
    Object.assign(open, { severity, message, value, threshold, updatedAt: now })
    if (difference === 0) return
    // Who acknowledged a warning has not heard of what it has become.
    if (difference > 0 && open.status === 'acknowledged') {
      open.status = 'active'
      delete open.acknowledgedAt
      delete open.acknowledgedBy
    }
    this.changed(copyOf(open), difference > 0 ? 'escalated' : 'eased')
  }

  /** @returns Whether there was an open one of that id that nobody had acknowledged. @throws InvalidArgumentError without a name. */
  acknowledge(id: string, by: string): boolean {
    if (typeof by !== 'string' || by === '') throw new InvalidArgumentError('by', 'who acknowledges it', by)
    const alert = this.#byId(id)
    if (alert === undefined || alert.status === 'acknowledged') return false
    Object.assign(alert, { status: 'acknowledged', acknowledgedAt: this.clock.wall(), acknowledgedBy: by })
    this.changed(copyOf(alert), 'acknowledged')
    return true
  }

  /** @returns Whether there was an open one of that id. */
  resolve(id: string, by: string | undefined): boolean {
    const alert = this.#byId(id)
    if (alert === undefined) return false
    this.#close(alert, by)
    return true
  }

  /** The state is over. */
  clear(metric: string, source: string): void {
    const alert = this.#open.get(keyOf(metric, source))
    if (alert !== undefined) this.#close(alert, undefined)
  }

  #close(alert: Mutable<Alert>, by: string | undefined): void {
    this.#open.delete(keyOf(alert.metric, alert.source))
    Object.assign(alert, { status: 'resolved', resolvedAt: this.clock.wall() }, by === undefined ? {} : { resolvedBy: by })
    this.#resolved.push(alert)
    if (this.#resolved.length > MAX_RESOLVED) this.#resolved.shift()
    this.changed(copyOf(alert), 'resolved')
  }

  #byId(id: string): Mutable<Alert> | undefined {
    for (const alert of this.#open.values()) if (alert.id === id) return alert
    return undefined
  }
}

function copyOf(alert: Alert): Alert {
  return { ...alert }
}

function keyOf(metric: string, source: string): string {
  return `${metric}\0${source}`
}

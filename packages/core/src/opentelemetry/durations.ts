import type { Attributes, Meter } from '@opentelemetry/api'
import { DATABASE_BOUNDS_MS, REQUEST_BOUNDS_MS } from '../shared/histogram.ts'
import type { SluiceHost } from '../sluice/sluice-host.ts'
import { requestAttributes, statementAttributes } from './spans.ts'

const REQUEST_DURATION = 'http.server.request.duration'
const SCOPE_DURATION = 'sluice.scope.duration'
const STATEMENT_DURATION = 'db.client.operation.duration'

/** Families that are recorded as they happen: an observable instrument cannot be a histogram. */
export const RECORDED: ReadonlySet<string> = new Set([REQUEST_DURATION, SCOPE_DURATION, STATEMENT_DURATION])

/** Maximum number of distinguished normalized queries and names, as in the other exports. */
const MAX_SETS = 1_000
const OVERFLOW: Attributes = { 'otel.metric.overflow': true }

/** Records the duration of each scope and statement. Returns what stops it. */
export function recordDurations(meter: Meter, host: SluiceHost): () => void {
  const histogram = (name: string, description: string, boundsMs: readonly number[]) =>
    meter.createHistogram(name, {
      description,
      unit: 's',
      advice: { explicitBucketBoundaries: boundsMs.map((bound) => bound / 1_000) },
    })
  const requests = histogram(REQUEST_DURATION, 'Duration of HTTP requests', REQUEST_BOUNDS_MS)
  const scopes = histogram(SCOPE_DURATION, 'Duration of scopes that are not HTTP requests', REQUEST_BOUNDS_MS)
  const statements = histogram(
    STATEMENT_DURATION,
    'Duration of database statements, by normalized query',
    DATABASE_BOUNDS_MS,
  )
  const ofScopes = new AttributeSets()
  const ofStatements = new AttributeSets()
  const stopScopes = host.scopes.watchEnds((scope) => {
    if (scope.isOwn) return
    const seconds = Math.max(0, host.now() - scope.startedAt) / 1_000
    const request = requestAttributes(scope)
    if (request === undefined)
      scopes.record(
        seconds,
        ofScopes.get(scope.name, () => ({ 'sluice.scope.name': scope.name })),
      )
    else
      requests.record(
        seconds,
        ofScopes.get(`${scope.name} ${scope.statusCode}`, () => request),
      )
  })
  const stopStatements = host.watchStatements({
    begin: (_sql, dialect, analyzed) => {
      if (analyzed.statement.isOwn === true) return undefined
      const { fingerprint } = analyzed
      const attributes = ofStatements.get(`${dialect} ${fingerprint}`, () => ({
        ...statementAttributes(dialect, analyzed),
        'sluice.query.fingerprint': fingerprint,
      }))
      return {
        ended: (startedAt, endedAt) =>
          statements.record(Math.max(0, endedAt - startedAt) / 1_000, attributes),
      }
    },
  })
  return () => {
    stopScopes()
    stopStatements()
  }
}

/** Attributes by a key, made once; those that are too many are one. */
class AttributeSets {
  readonly #sets = new Map<string, Attributes>()

  get(key: string, make: () => Attributes): Attributes {
    const known = this.#sets.get(key)
    if (known !== undefined) return known
    if (this.#sets.size >= MAX_SETS) return OVERFLOW
    const created = make()
    this.#sets.set(key, created)
    return created
  }
}

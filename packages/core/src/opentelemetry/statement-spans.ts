import type { Tracer } from '@opentelemetry/api'
import type { AdapterHost } from '../sluice/adapter-host.ts'
import { statementAttributes } from './attributes.ts'
import type { OpenTelemetryApi } from './load-api.ts'
import type { ScopeSpans } from './scope-spans.ts'

export interface StatementSpanParts {
  readonly api: OpenTelemetryApi
  readonly tracer: Tracer
  readonly host: AdapterHost
  readonly spans: ScopeSpans
  readonly queryText: boolean
}

/** A span for each statement. Returns what stops it. */
export function watchStatementSpans({ api, tracer, host, spans, queryText }: StatementSpanParts): () => void {
  const { SpanKind, SpanStatusCode } = api
  return host.watchStatements({
    begin: (_sql, dialect, analyzed) => {
      if (analyzed.statement.isOwn === true) return undefined
      const attributes = statementAttributes(dialect, analyzed)
      const name = String(attributes['db.query.summary'] ?? dialect)
      const text = queryText ? { 'db.query.text': analyzed.shape } : {}
      const options = { kind: SpanKind.CLIENT, attributes: { ...attributes, ...text } }
      const span = tracer.startSpan(name, options, spans.contextIn(host.scopes.current()))
      return {
        ended: (_startedAt, _endedAt, rows, failed) => {
          if (failed) {
            span.setStatus({ code: SpanStatusCode.ERROR })
            // What failed is not told here.
            span.setAttribute('error.type', '_OTHER')
          } else span.setAttribute('db.response.returned_rows', rows)
          span.end()
        },
      }
    },
  })
}

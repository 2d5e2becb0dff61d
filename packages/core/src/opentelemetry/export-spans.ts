import type { TracerProvider } from '@opentelemetry/api'
import { checkOptions, type OptionRule, option } from '../shared/options.ts'
import type { Sluice } from '../sluice/sluice.ts'
import { hostOf } from '../sluice/sluice-host.ts'
import { loadApi } from './load-api.ts'
import { ScopeSpans, watchStatementSpans } from './spans.ts'

const SCOPE = '@sluice/core'

export interface ExportSpansOptions {
  /**
   * Provider of the spans.
   * @defaultValue the global provider of `@opentelemetry/api`
   */
  readonly tracerProvider?: TracerProvider
  /**
   * A span for each scope.
   * @defaultValue true
   */
  readonly scopes?: boolean
  /**
   * A span for each statement.
   * @defaultValue true
   */
  readonly queries?: boolean
  /**
   * Has the statement's text, without its values, in its span. Names of tables and columns are in it.
   * @defaultValue true
   */
  readonly queryText?: boolean
}

const rules: Readonly<Record<keyof ExportSpansOptions, OptionRule>> = {
  tracerProvider: {
    expected: 'a tracer provider of OpenTelemetry',
    accepts: (value) => typeof (value as TracerProvider | null)?.getTracer === 'function',
  },
  scopes: option.boolean,
  queries: option.boolean,
  queryText: option.boolean,
}

/**
 * Creates a span for each scope that is opened from now on, and within it for each statement that a client
 * shows. Sluice creates no spans before you call this.
 *
 * The span of a scope is a child of the active span where the scope is opened, such as that of HTTP
 * instrumentation. If there is none, the span of a request is a server span.
 *
 * @returns A function that stops the export. Open spans end with their scopes.
 * @throws InvalidOptionError; MissingPackageError without `@opentelemetry/api`.
 * @example
 * ```ts
 * import { exportSpans } from '@sluice/core/opentelemetry'
 *
 * await exportSpans(sluice)
 * ```
 */
export async function exportSpans(sluice: Sluice, options: ExportSpansOptions = {}): Promise<() => void> {
  checkOptions(options, rules)
  const host = hostOf(sluice)
  const { scopes = true, queries = true, queryText = true } = options
  const api = await loadApi('exportSpans')
  const tracer = (options.tracerProvider ?? api.trace.getTracerProvider()).getTracer(SCOPE)
  const spans = new ScopeSpans(api, tracer, host)
  const stopScopes = scopes ? spans.watch() : () => {}
  const stopQueries = queries ? watchStatementSpans({ api, tracer, host, spans, queryText }) : () => {}
  return () => {
    stopScopes()
    stopQueries()
  }
}

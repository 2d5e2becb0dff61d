import type { Attributes, Context, Span, Tracer, TracerProvider } from '@opentelemetry/api'
import type { Scope } from '../pipeline/scope.ts'
import { loadPackage } from '../shared/late-modules.ts'
import { checkOptions, type OptionRule, option } from '../shared/options.ts'
import { requestName } from '../shared/request-name.ts'
import type { Sluice } from '../sluice/sluice.ts'
import { hostOf, type SluiceHost } from '../sluice/sluice-host.ts'
import type { AnalyzedSql } from '../sql/analyze.ts'
import type { Dialect } from '../sql/dialect.ts'
import { summarizeStatement } from '../sql/statement.ts'

type OpenTelemetryApi = typeof import('@opentelemetry/api')

/** @throws MissingPackageError. */
export async function loadApi(
  needing: string,
  load: () => Promise<OpenTelemetryApi> = () => import('@opentelemetry/api'),
): Promise<OpenTelemetryApi> {
  return await loadPackage(needing, '@opentelemetry/api', load)
}

export const SCOPE = '@sluice/core'

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
  const stopQueries = queries ? spans.watchStatements(queryText) : () => {}
  return () => {
    stopScopes()
    stopQueries()
  }
}

/** https://opentelemetry.io/docs/specs/semconv/http/; `undefined` for a scope that is not an HTTP request. */
export function requestAttributes({
  name,
  statusCode,
}: Pick<Scope, 'name' | 'statusCode'>): Attributes | undefined {
  const request = requestName(name)
  if (request === undefined) return undefined
  return {
    'http.request.method': request.method,
    ...(request.route === undefined ? {} : { 'http.route': request.route }),
    ...(statusCode === undefined ? {} : { 'http.response.status_code': statusCode }),
    ...(statusCode !== undefined && statusCode >= 500 ? { 'error.type': String(statusCode) } : {}),
  }
}

/** https://opentelemetry.io/docs/specs/semconv/database/; without the text. */
export function statementAttributes(dialect: Dialect, { statement }: AnalyzedSql): Attributes {
  const { operation, table, summary } = summarizeStatement(statement)
  return {
    'db.system.name': dialect,
    ...(operation === '' ? {} : { 'db.operation.name': operation }),
    ...(table === '' ? {} : { 'db.collection.name': table }),
    ...(summary === '' ? {} : { 'db.query.summary': summary }),
  }
}

interface ScopeSpan {
  readonly span: Span
  /** The one that was active where the scope was opened. */
  readonly outer: Span | undefined
}

class ScopeSpans {
  readonly #spans = new WeakMap<Scope, ScopeSpan>()
  #open = 0

  constructor(
    private readonly api: OpenTelemetryApi,
    private readonly tracer: Tracer,
    private readonly host: SluiceHost,
  ) {}

  /** Returns what stops it: no new spans begin. */
  watch(): () => void {
    const { scopes } = this.host
    const stopEnds = scopes.watchEnds((scope) => {
      this.#end(scope)
      if (isStopped && this.#open === 0) stopEnds()
    })
    const stopBegins = scopes.watch((scope, parent) => {
      try {
        this.#begin(scope, parent)
      } catch (error) {
        this.host.reportError(error)
      }
    })
    let isStopped = false
    return () => {
      isStopped = true
      stopBegins()
      if (this.#open === 0) stopEnds()
    }
  }

  /** A span for each statement. Returns what stops it. */
  watchStatements(queryText: boolean): () => void {
    const { SpanKind, SpanStatusCode } = this.api
    return this.host.watchStatements({
      begin: (_sql, dialect, analyzed) => {
        if (analyzed.statement.isOwn === true) return undefined
        const attributes = statementAttributes(dialect, analyzed)
        const name = String(attributes['db.query.summary'] ?? dialect)
        const text = queryText ? { 'db.query.text': analyzed.shape } : {}
        const options = { kind: SpanKind.CLIENT, attributes: { ...attributes, ...text } }
        const span = this.tracer.startSpan(name, options, this.contextIn(this.host.scopes.current()))
        return {
          ended: (_startedAt, _endedAt, rows, failed) => {
            if (failed) {
              span.setStatus({ code: SpanStatusCode.ERROR })
              // The cause is not part of the span.
              span.setAttribute('error.type', '_OTHER')
            } else span.setAttribute('db.response.returned_rows', rows)
            span.end()
          },
        }
      },
    })
  }

  /**
   * Parent context of a span within a scope: the app's own span if it opened one within the scope, otherwise
   * the span of the scope.
   *
   * @param scope - `undefined`: outside scopes.
   */
  contextIn(scope: Scope | undefined): Context {
    const { context, trace } = this.api
    const active = context.active()
    const known = scope === undefined ? undefined : this.#spans.get(scope)
    return known !== undefined && trace.getSpan(active) === known.outer
      ? trace.setSpan(active, known.span)
      : active
  }

  #begin(scope: Scope, parent: Scope | undefined): void {
    const { context, trace, SpanKind } = this.api
    const outer = trace.getSpan(context.active())
    const within = this.contextIn(parent)
    const isServer = trace.getSpan(within) === undefined && requestName(scope.name) !== undefined
    const span = this.tracer.startSpan(
      scope.name,
      { kind: isServer ? SpanKind.SERVER : SpanKind.INTERNAL },
      within,
    )
    this.#spans.set(scope, { span, outer })
    this.#open += 1
  }

  #end(scope: Scope): void {
    const known = this.#spans.get(scope)
    if (known === undefined) return
    this.#spans.delete(scope)
    this.#open -= 1
    const { span } = known
    // It may not have been known before by which route a request goes.
    span.updateName(scope.name)
    const { counts, mode, statusCode, failed } = scope
    span.setAttributes({
      ...requestAttributes(scope),
      'sluice.mode': mode,
      'sluice.queries': counts.queries,
      'sluice.batched': counts.batched,
      'sluice.prefetched': counts.prefetched,
      'sluice.cache_hits': counts.cacheHits,
    })
    if (failed || (statusCode !== undefined && statusCode >= 500))
      span.setStatus({ code: this.api.SpanStatusCode.ERROR })
    span.end()
  }
}

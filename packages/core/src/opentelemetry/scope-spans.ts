import type { Context, Span, Tracer } from '@opentelemetry/api'
import type { Scope } from '../pipeline/scope.ts'
import { requestName } from '../shared/request-name.ts'
import type { AdapterHost } from '../sluice/adapter-host.ts'
import { requestAttributes } from './attributes.ts'
import type { OpenTelemetryApi } from './load-api.ts'

interface ScopeSpan {
  readonly span: Span
  /** The one that was active where the scope was opened. */
  readonly outer: Span | undefined
}

/** The spans of scopes, by scope. */
export class ScopeSpans {
  readonly #spans = new WeakMap<Scope, ScopeSpan>()
  #open = 0

  constructor(
    private readonly api: OpenTelemetryApi,
    private readonly tracer: Tracer,
    private readonly host: AdapterHost,
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

  /**
   * What a span within a scope begins in: the app's own span where it has opened one since, and otherwise that of the scope.
   *
   * @param scope - `undefined`: outside of any.
   */
  contextIn(scope: Scope | undefined): Context {
    const { context, trace } = this.api
    const active = context.active()
    const known = scope === undefined ? undefined : this.#spans.get(scope)
    return known !== undefined && trace.getSpan(active) === known.outer ? trace.setSpan(active, known.span) : active
  }

  #begin(scope: Scope, parent: Scope | undefined): void {
    const { context, trace, SpanKind } = this.api
    const outer = trace.getSpan(context.active())
    const within = this.contextIn(parent)
    const isServer = trace.getSpan(within) === undefined && requestName(scope.name) !== undefined
    const span = this.tracer.startSpan(scope.name, { kind: isServer ? SpanKind.SERVER : SpanKind.INTERNAL }, within)
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
      'sluice.merged': counts.merged,
      'sluice.prefetched': counts.prefetched,
      'sluice.answered': counts.answered,
    })
    if (failed || (statusCode !== undefined && statusCode >= 500)) span.setStatus({ code: this.api.SpanStatusCode.ERROR })
    span.end()
  }
}

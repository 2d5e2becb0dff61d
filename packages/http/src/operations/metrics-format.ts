import type { MetricsFormat } from '@sluice/core'

interface Range {
  readonly type: string
  /** Of the format's own; `undefined`: any. */
  readonly version: string | undefined
  readonly q: number
}

const OPEN_METRICS = 'application/openmetrics-text'
const OPEN_METRICS_VERSION = '1.0.0'
const PLAIN = 'text/plain'
const PLAIN_VERSION = '0.0.4'

/**
 * What a page of metrics is written in, by the `Accept` of a request. OpenMetrics is for who names it; who takes neither is given what everybody reads. Source: RFC
 * 9110, section 12.5.1.
 */
export function metricsFormat(accept: string | undefined): MetricsFormat {
  const ranges = (accept ?? '').split(',').map(rangeOf)
  const named = ranges.filter(({ type, version }) => type === OPEN_METRICS && (version === undefined || version === OPEN_METRICS_VERSION))
  const q = Math.max(0, ...named.map((range) => range.q))
  return q > 0 && q >= qOfPlain(ranges) ? 'openmetrics' : 'prometheus'
}

/** Of the ranges that mean it, the most exact one counts. */
function qOfPlain(ranges: readonly Range[]): number {
  const exact = ranges.filter(({ type, version }) => type === PLAIN && (version === undefined || version === PLAIN_VERSION))
  const matching = [exact, ranges.filter(({ type }) => type === 'text/*')].find(({ length }) => length > 0)
  // Any type at all is no wish for this one.
  return matching === undefined ? 0 : Math.max(...matching.map(({ q }) => q))
}

function rangeOf(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const parameter = (name: string) => {
    const found = parameters.find((one) => one.startsWith(`${name}=`))
    return found?.slice(name.length + 1).replace(/^"(.*)"$/, '$1')
  }
  const q = Number(parameter('q') ?? 1)
  return { type, version: parameter('version'), q: q >= 0 && q <= 1 ? q : 0 }
}

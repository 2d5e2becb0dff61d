import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { METRICS_CONTENT_TYPE, OPEN_METRICS_CONTENT_TYPE, type Sluice, SluiceError } from '@sluice/core'
import {
  checkOptions,
  hostOf,
  isAllowed,
  isLocalRequest,
  type MetricsFormat,
  option,
  requireAuthorize,
} from '@sluice/core/siblings'
import { send } from '../small-responses.ts'

const TEXT = 'text/plain; charset=utf-8'
/** Below this size, compression costs more than it saves. */
const MIN_GZIP_BYTES = 1_024
const pack = promisify(gzip)

export interface MetricsOptions {
  /**
   * Returns whether a request can read the metrics, which contain names of routes and tables. Other requests
   * receive `403`. Required in production.
   * @defaultValue requests from this machine, in development
   */
  readonly authorize?: (request: IncomingMessage) => boolean | Promise<boolean>
}

export type OperationsHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/**
 * Creates a handler that returns the metrics of a Sluice for Prometheus: in the OpenMetrics 1.0 format if the
 * client requests it, otherwise in Prometheus' text format. Responses must not be cached.
 *
 * @throws InvalidArgumentError; InvalidOptionError; SluiceError `SLUICE_MONITOR_OFF` if the Sluice has no
 * metrics; AuthorizeRequiredError in production without `authorize`.
 * @example
 * ```ts
 * // The port is for this machine only.
 * const metrics = createMetricsHandler(sluice, { authorize: () => true })
 * createServer((request, response) => void metrics(request, response)).listen(9100, '127.0.0.1')
 * ```
 */
export function createMetricsHandler(sluice: Sluice, options: MetricsOptions = {}): OperationsHandler {
  const { reportError } = hostOf(sluice)
  checkOptions(options, { authorize: option.callback })
  const { monitor } = sluice
  if (monitor === undefined)
    throw new SluiceError(
      'SLUICE_MONITOR_OFF',
      'Metrics are not available: the monitor of this Sluice is disabled. Enable `monitoring` in createSluice().',
    )
  const { authorize } = options
  requireAuthorize('A metrics endpoint', authorize)
  return async (request, response) => {
    try {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        send(request, response, 405, TEXT, 'Method Not Allowed\n', { allow: 'GET, HEAD' })
      } else if (
        !(await (authorize === undefined
          ? isLocalRequest(request)
          : isAllowed(() => authorize(request), reportError)))
      )
        send(request, response, 403, TEXT, 'Forbidden\n')
      else {
        const format = metricsFormat(request.headers.accept)
        const type = format === 'openmetrics' ? OPEN_METRICS_CONTENT_TYPE : METRICS_CONTENT_TYPE
        await sendText(request, response, type, await monitor.metricsText(format))
      }
    } catch (error) {
      reportError(error)
      send(request, response, 500, TEXT, 'Internal Server Error\n')
    }
  }
}

async function sendText(
  request: IncomingMessage,
  response: ServerResponse,
  type: string,
  text: string,
): Promise<void> {
  const vary = { vary: 'Accept, Accept-Encoding' }
  if (text.length < MIN_GZIP_BYTES || !acceptsGzip(request.headers['accept-encoding'])) {
    send(request, response, 200, type, text, vary)
    return
  }
  send(request, response, 200, type, await pack(text), { ...vary, 'content-encoding': 'gzip' })
}

function acceptsGzip(field: string | string[] | undefined): boolean {
  const gzip = String(field ?? '')
    .split(',')
    .map(rangeOf)
    .find(({ type }) => type === 'gzip' || type === 'x-gzip')
  return gzip !== undefined && gzip.q > 0
}

interface Range {
  readonly type: string
  /** Version of the format; `undefined`: any. */
  readonly version: string | undefined
  readonly q: number
}

const OPEN_METRICS = 'application/openmetrics-text'
const OPEN_METRICS_VERSION = '1.0.0'
const PLAIN = 'text/plain'
const PLAIN_VERSION = '0.0.4'

/**
 * Selects the format of the metrics by the `Accept` header of a request. Only clients that name OpenMetrics
 * receive it. A client that accepts neither format receives Prometheus' text format, which all of them can
 * parse. Source: RFC 9110, section 12.5.1.
 */
export function metricsFormat(accept: string | undefined): MetricsFormat {
  const ranges = (accept ?? '').split(',').map(rangeOf)
  const named = ranges.filter(
    ({ type, version }) =>
      type === OPEN_METRICS && (version === undefined || version === OPEN_METRICS_VERSION),
  )
  const q = Math.max(0, ...named.map((range) => range.q))
  return q > 0 && q >= qOfPlain(ranges) ? 'openmetrics' : 'prometheus'
}

/** Uses the most specific of the matching ranges. */
function qOfPlain(ranges: readonly Range[]): number {
  const exact = ranges.filter(
    ({ type, version }) => type === PLAIN && (version === undefined || version === PLAIN_VERSION),
  )
  const matching = [exact, ranges.filter(({ type }) => type === 'text/*')].find(({ length }) => length > 0)
  // `*/*` expresses no preference for this format.
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

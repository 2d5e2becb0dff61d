import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isLocalRequest } from '../../shared/client-address.ts'
import { errorMessage } from '../../shared/error-message.ts'
import { InvalidArgumentError, SluiceError } from '../../shared/errors.ts'
import { checkOptions, type OptionRule, option } from '../../shared/options.ts'
import { AuthorizeRequiredError, isDevelopment } from '../../shared/read-access.ts'
import { isInstance } from '../../shared/thrown.ts'

const DEFAULT_METRIC = 'requests'
const DEFAULT_MINUTES = 5
const MAX_MINUTES = 60
/** An interval wider than this carries no information: the middle of it is used. */
const WIDE = 2

/** Values for a scaler: a `MonitoringAndAutoScalingEngine` provides them. */
export interface ScalingSignals {
  /** Current value of a metric; `undefined` if it is missing, which is not 0. */
  currentLoad(metric: string): number | undefined
  predictLoad(
    metric: string,
    minutesAhead: number,
  ): { readonly value: number; readonly p90: number } | undefined
}

/** The request of a trigger. */
export interface Signal {
  readonly metric: string
  readonly minutes: number
}

/** @throws InvalidArgumentError for minutes that are not from above 0 to 60. */
export function signalOf(metric: string | undefined, minutes: string | undefined): Signal {
  const horizon = minutes === undefined || minutes === '' ? DEFAULT_MINUTES : Number(minutes)
  if (!(horizon > 0 && horizon <= MAX_MINUTES))
    throw new InvalidArgumentError('minutes', `a number above 0, at most ${MAX_MINUTES}`, minutes)
  return { metric: metric || DEFAULT_METRIC, minutes: horizon }
}

/**
 * The load to prepare for: the 90% quantile of the forecast, if its interval is narrow enough.
 *
 * @throws UnknownMetricError.
 */
export function forecastOf(signals: ScalingSignals, { metric, minutes }: Signal): number | undefined {
  const prediction = signals.predictLoad(metric, minutes)
  if (prediction === undefined) return undefined
  return prediction.p90 <= WIDE * prediction.value ? prediction.p90 : prediction.value
}

export interface KedaMetricsOptions {
  /**
   * Token that callers must send: `authorization: Bearer <token>` (KEDA's `authMode: bearer`). `false`:
   * everyone who can reach the port can read. Required in production.
   * @defaultValue requests from this machine, in development
   */
  readonly token?: string | false
}

const rules: Readonly<Record<keyof KedaMetricsOptions, OptionRule>> = {
  token: option.protection({
    expected: 'a non-empty string, or false',
    accepts: (value) => value === false || (typeof value === 'string' && value !== ''),
  }),
}

/**
 * Creates a handler of HTTP requests for KEDA's `metrics-api` trigger: `{ metric, load, forecast, minutes }`
 * of `?metric=requests&minutes=5`. If a value is missing, it responds with 503, for which KEDA's `fallback`
 * applies; for an unknown metric, with 404.
 *
 * @param signals - `sluice.monitor`.
 * @throws InvalidArgumentError; InvalidOptionError; AuthorizeRequiredError in production without `token`.
 */
export function kedaMetricsHandler(
  signals: ScalingSignals,
  options: KedaMetricsOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  if (typeof (signals as ScalingSignals | null)?.currentLoad !== 'function')
    throw new InvalidArgumentError('signals', 'a monitoring engine', signals)
  checkOptions(options, rules)
  const { token } = options
  if (token === undefined && !isDevelopment())
    throw new AuthorizeRequiredError('A KEDA endpoint', 'token', 'a string, or false to let everyone read')
  return (request, response) => {
    if (token === undefined && !isLocalRequest(request)) {
      send(response, 403, { error: 'Without a token, only this machine can read.' })
      return
    }
    if (typeof token === 'string' && !isSame(request.headers.authorization ?? '', `Bearer ${token}`)) {
      send(response, 401, { error: 'A bearer token is needed.' }, { 'www-authenticate': 'Bearer' })
      return
    }
    const { status, body } = answer(signals, request.url ?? '')
    send(response, status, body)
  }
}

function answer(signals: ScalingSignals, url: string): { readonly status: number; readonly body: object } {
  try {
    const query = new URL(url, 'http://localhost').searchParams
    const signal = signalOf(query.get('metric') ?? undefined, query.get('minutes') ?? undefined)
    const load = signals.currentLoad(signal.metric)
    const forecast = forecastOf(signals, signal)
    if (load === undefined || forecast === undefined)
      return { status: 503, body: { error: `The metric "${signal.metric}" has no current value.` } }
    return { status: 200, body: { ...signal, load, forecast } }
  } catch (error) {
    const isUnknown = isInstance(error, SluiceError) && error.code === 'SLUICE_UNKNOWN_METRIC'
    const status = isUnknown ? 404 : isInstance(error, SluiceError) ? 400 : 500
    return { status, body: { error: errorMessage(error) } }
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers })
    .end(JSON.stringify(body))
}

/** Compares in constant time. */
function isSame(left: string, right: string): boolean {
  const [a, b] = [left, right].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer]
  return timingSafeEqual(a, b)
}

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorMessage } from '../../shared/error-message.ts'
import { InvalidArgumentError, SluiceError } from '../../shared/errors.ts'
import { checkOptions, type OptionRule } from '../../shared/options.ts'

const DEFAULT_METRIC = 'requests'
const DEFAULT_MINUTES = 5
const MAX_MINUTES = 60
/** An interval that is so wide says nothing: the middle of it does. */
const WIDE = 2

/** What a scaler asks: a `MonitoringAndAutoScalingEngine` is one. */
export interface ScalingSignals {
  /** What a metric is; `undefined` where it is missing, which is not 0. */
  currentLoad(metric: string): number | undefined
  predictLoad(metric: string, minutesAhead: number): { readonly value: number; readonly p90: number } | undefined
}

/** What a trigger asks for. */
export interface Signal {
  readonly metric: string
  readonly minutes: number
}

/** @throws InvalidArgumentError for minutes that are not from above 0 to 60. */
export function signalOf(metric: string | undefined, minutes: string | undefined): Signal {
  const ahead = minutes === undefined || minutes === '' ? DEFAULT_MINUTES : Number(minutes)
  if (!(ahead > 0 && ahead <= MAX_MINUTES)) throw new InvalidArgumentError('minutes', `a number above 0, at most ${MAX_MINUTES}`, minutes)
  return { metric: metric || DEFAULT_METRIC, minutes: ahead }
}

/**
 * The load that is to be ready for: what it will be in nine cases of ten, where the forecast is that sure.
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
   * What a caller must show: `authorization: Bearer <token>` (KEDA's `authMode: bearer`).
   * @defaultValue nothing
   */
  readonly token?: string
}

const rules: Readonly<Record<keyof KedaMetricsOptions, OptionRule>> = {
  token: { expected: 'a text that is not empty', accepts: (value) => typeof value === 'string' && value !== '' },
}

/**
 * A handler of HTTP requests for KEDA's `metrics-api` trigger: `{ metric, load, forecast, minutes }` of `?metric=requests&minutes=5`. Where a value is missing it answers 503, upon which
 * KEDA's `fallback` decides; for a metric that there is not, 404.
 *
 * @param signals - `sluice.monitor`.
 * @throws InvalidArgumentError; InvalidOptionError.
 */
export function kedaMetricsHandler(
  signals: ScalingSignals,
  options: KedaMetricsOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  if (typeof (signals as ScalingSignals | null)?.currentLoad !== 'function')
    throw new InvalidArgumentError('signals', 'a monitoring engine', signals)
  checkOptions(options, rules)
  const { token } = options
  return (request, response) => {
    if (token !== undefined && !isSame(request.headers.authorization ?? '', `Bearer ${token}`)) {
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
      return { status: 503, body: { error: `Nothing is known of "${signal.metric}" at the moment; that is not 0.` } }
    return { status: 200, body: { ...signal, load, forecast } }
  } catch (error) {
    const isUnknown = error instanceof SluiceError && error.code === 'SLUICE_UNKNOWN_METRIC'
    const status = isUnknown ? 404 : error instanceof SluiceError ? 400 : 500
    return { status, body: { error: errorMessage(error) } }
  }
}

function send(response: ServerResponse, status: number, body: object, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers }).end(JSON.stringify(body))
}

/** In a time that says nothing of where they differ. */
function isSame(left: string, right: string): boolean {
  const [a, b] = [left, right].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer]
  return timingSafeEqual(a, b)
}

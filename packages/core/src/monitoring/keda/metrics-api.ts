import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { InvalidArgumentError, SluiceError } from '../../shared/errors.ts'
import { checkOptions, type OptionRule } from '../../shared/options.ts'
import { forecastOf, type ScalingSignals, signalOf } from './load-signals.ts'

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
    return { status, body: { error: error instanceof Error ? error.message : String(error) } }
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

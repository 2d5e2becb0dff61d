import type {
  ServerErrorResponse,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  sendUnaryData,
} from '@grpc/grpc-js'
import type { PackageDefinition } from '@grpc/proto-loader'
import { errorMessage } from '../../shared/error-message.ts'
import { InvalidArgumentError, SluiceError } from '../../shared/errors.ts'
import { loadPackage } from '../../shared/late-modules.ts'
import { checkOption, checkOptions, type OptionRule, option } from '../../shared/options.ts'
import { isInstance } from '../../shared/thrown.ts'
import { forecastOf, type ScalingSignals, type Signal, signalOf } from './metrics-api.ts'

const NEEDING = 'startKedaScaler'

const string = (id: number) => ({ type: 'string', id })
const float = (id: number) => ({ type: 'double', id })
const message = (
  fields: Readonly<
    Record<
      string,
      { readonly type: string; readonly id: number; readonly rule?: string; readonly keyType?: string }
    >
  >,
) => ({ fields })
const rpc = (requestType: string, responseType: string, responseStream = false) => ({
  requestType,
  responseType,
  responseStream,
})

/** The protocol of KEDA's external scalers. Source: https://keda.sh/docs/latest/concepts/external-scalers/ */
const protocol: object = {
  nested: {
    externalscaler: {
      nested: {
        ExternalScaler: {
          methods: {
            IsActive: rpc('ScaledObjectRef', 'IsActiveResponse'),
            StreamIsActive: rpc('ScaledObjectRef', 'IsActiveResponse', true),
            GetMetricSpec: rpc('ScaledObjectRef', 'GetMetricSpecResponse'),
            GetMetrics: rpc('GetMetricsRequest', 'GetMetricsResponse'),
          },
        },
        ScaledObjectRef: message({
          name: string(1),
          namespace: string(2),
          scalerMetadata: { keyType: 'string', type: 'string', id: 3 },
        }),
        IsActiveResponse: message({ result: { type: 'bool', id: 1 } }),
        GetMetricSpecResponse: message({ metricSpecs: { rule: 'repeated', type: 'MetricSpec', id: 1 } }),
        MetricSpec: message({
          metricName: string(1),
          targetSize: { type: 'int64', id: 2 },
          targetSizeFloat: float(3),
        }),
        GetMetricsRequest: message({
          scaledObjectRef: { type: 'ScaledObjectRef', id: 1 },
          metricName: string(2),
        }),
        GetMetricsResponse: message({ metricValues: { rule: 'repeated', type: 'MetricValue', id: 1 } }),
        MetricValue: message({
          metricName: string(1),
          metricValue: { type: 'int64', id: 2 },
          metricValueFloat: float(3),
        }),
      },
    },
  },
}

interface GrpcLibrary {
  readonly grpc: typeof import('@grpc/grpc-js')
  readonly definition: PackageDefinition
}

/** @throws MissingPackageError. */
async function loadGrpc(): Promise<GrpcLibrary> {
  const [grpc, loader] = await Promise.all([
    loadPackage(NEEDING, '@grpc/grpc-js', () => import('@grpc/grpc-js')),
    loadPackage(NEEDING, '@grpc/proto-loader', () => import('@grpc/proto-loader')),
  ])
  // Zeros are sent, too, and whole numbers are numbers.
  return { grpc, definition: loader.fromJSON(protocol, { defaults: true, longs: Number }) }
}

const FORECAST = '_forecast'
const LOOK_MS = 1_000

export interface KedaScalerOptions {
  /**
   * Port of the listener. `0`: any free port. From `0` to `65535`.
   * @defaultValue 8091
   */
  readonly port?: number
  /**
   * The address it listens at.
   * @defaultValue '0.0.0.0'
   */
  readonly host?: string
  /**
   * A certificate and its key, as PEM; with `ca`, clients must have one that it has signed.
   * @defaultValue none: no TLS, as is common within a cluster
   */
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca?: string }
}

/** A server that reports loads to KEDA. */
export interface KedaScaler {
  readonly port: number
  /** Ends streams and the server. */
  close(): Promise<void>
}

const rules: Readonly<Record<keyof KedaScalerOptions, OptionRule>> = {
  port: option.integer(0, 65_535),
  host: { expected: 'a non-empty string', accepts: (value) => typeof value === 'string' && value !== '' },
  tls: option.protection(option.object),
}
const pem: OptionRule = option.protection({
  expected: 'a non-empty string of PEM',
  accepts: (value) => typeof value === 'string' && value !== '',
})

interface ScaledObject {
  readonly name: string
  readonly namespace: string
  readonly scalerMetadata: Readonly<Record<string, string>>
}

interface Trigger extends Signal {
  readonly target: number
  readonly activation: number
}

/**
 * Serves KEDA's external-scaler protocol: the raw load and its forecast, each with the load that one replica
 * can handle. It never returns a number of replicas, because the tolerance of Kubernetes' autoscaler would
 * then ignore small steps. The autoscaler uses the metric with the greater need.
 *
 * The metadata of a trigger are `target`, the load of one replica (required), `metric` (`requests`),
 * `minutes` ahead (`5`), and `activation`, the load above which there is at least one replica (`0`). A
 * missing value is an error, for which KEDA's `fallback` applies, and not 0.
 *
 * @param signals - `sluice.monitor`.
 * @throws InvalidOptionError; MissingPackageError without `@grpc/grpc-js` and `@grpc/proto-loader`;
 * SluiceError if it cannot listen.
 * @example
 * ```ts
 * import { startKedaScaler } from '@sluice/core/keda'
 *
 * const scaler = await startKedaScaler(monitor, { port: 8091 })
 * ```
 */
export async function startKedaScaler(
  signals: ScalingSignals,
  options: KedaScalerOptions = {},
): Promise<KedaScaler> {
  if (typeof (signals as ScalingSignals | null)?.currentLoad !== 'function')
    throw new InvalidArgumentError('signals', 'a monitoring engine', signals)
  checkOptions(options, rules)
  const { port = 8_091, host = '0.0.0.0', tls } = options
  if (tls !== undefined) {
    checkOptions(tls, { key: pem, cert: pem, ca: pem }, 'tls.')
    checkOption('tls.key', pem, tls.key)
    checkOption('tls.cert', pem, tls.cert)
  }
  const library = await loadGrpc()
  const { grpc } = library
  const service = new KedaService(signals, library)
  const server = new grpc.Server()
  const { externalscaler } = grpc.loadPackageDefinition(library.definition) as unknown as {
    readonly externalscaler: { readonly ExternalScaler: { readonly service: ServiceDefinition } }
  }
  server.addService(externalscaler.ExternalScaler.service, {
    IsActive: service.isActive,
    StreamIsActive: service.streamIsActive,
    GetMetricSpec: service.metricSpec,
    GetMetrics: service.metrics,
  })
  const pair = tls && { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) }
  const credentials =
    tls === undefined || pair === undefined
      ? grpc.ServerCredentials.createInsecure()
      : grpc.ServerCredentials.createSsl(
          tls.ca === undefined ? null : Buffer.from(tls.ca),
          [pair],
          tls.ca !== undefined,
        )
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host.includes(':') ? `[${host}]` : host}:${port}`, credentials, (error, at) => {
      if (error === null) resolve(at)
      else
        reject(
          new SluiceError(
            'SLUICE_INVALID_OPTION',
            `The KEDA scaler cannot listen on ${host}:${port}: ${error.message}`,
            { cause: error },
          ),
        )
    })
  })
  return {
    port: bound,
    close: async () => {
      service.close()
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
    },
  }
}

type Call<Request> = ServerUnaryCall<Request, unknown>

class KedaService {
  readonly #streams = new Set<ServerWritableStream<ScaledObject, { readonly result: boolean }>>()

  constructor(
    private readonly signals: ScalingSignals,
    private readonly library: GrpcLibrary,
  ) {}

  readonly isActive = ({ request }: Call<ScaledObject>, callback: sendUnaryData<unknown>): void => {
    this.#answer(callback, () => ({ result: this.#isActive(triggerOf(request)) }))
  }

  readonly metricSpec = ({ request }: Call<ScaledObject>, callback: sendUnaryData<unknown>): void => {
    this.#answer(callback, () => {
      const { metric, target } = triggerOf(request)
      // Older ones of KEDA know whole numbers alone.
      const spec = (metricName: string) => ({
        metricName,
        targetSize: Math.ceil(target),
        targetSizeFloat: target,
      })
      return { metricSpecs: [spec(metric), spec(metric + FORECAST)] }
    })
  }

  readonly metrics = (
    { request }: Call<{ readonly scaledObjectRef: ScaledObject; readonly metricName: string }>,
    callback: sendUnaryData<unknown>,
  ): void => {
    this.#answer(callback, () => {
      const trigger = triggerOf(request.scaledObjectRef)
      const { metricName } = request
      const isForecast = metricName === trigger.metric + FORECAST
      if (!isForecast && metricName !== trigger.metric)
        throw new InvalidArgumentError(
          'metricName',
          `"${trigger.metric}" or "${trigger.metric}${FORECAST}"`,
          metricName,
        )
      const value = isForecast ? forecastOf(this.signals, trigger) : this.signals.currentLoad(trigger.metric)
      if (value === undefined) throw new MissingValueError(trigger.metric)
      return { metricValues: [{ metricName, metricValue: Math.ceil(value), metricValueFloat: value }] }
    })
  }

  /** Sends the state immediately, and after each change. */
  readonly streamIsActive = (
    call: ServerWritableStream<ScaledObject, { readonly result: boolean }>,
  ): void => {
    let trigger: Trigger
    try {
      trigger = triggerOf(call.request)
    } catch (error) {
      call.emit('error', this.#statusOf(error))
      return
    }
    let known: boolean | undefined
    const look = () => {
      try {
        const result = this.#isActive(trigger)
        if (result !== known) call.write({ result })
        known = result
      } catch (error) {
        // Nothing is known: what was said last holds.
        if (!isInstance(error, MissingValueError)) call.emit('error', this.#statusOf(error))
      }
    }
    const timer = setInterval(look, LOOK_MS)
    timer.unref()
    this.#streams.add(call)
    const ended = () => {
      clearInterval(timer)
      this.#streams.delete(call)
    }
    call.on('cancelled', ended)
    call.on('close', ended)
    call.on('finish', ended)
    look()
  }

  close(): void {
    for (const stream of this.#streams) stream.end()
  }

  #isActive(trigger: Trigger): boolean {
    const load = this.signals.currentLoad(trigger.metric)
    const forecast = forecastOf(this.signals, trigger)
    if (load === undefined && forecast === undefined) throw new MissingValueError(trigger.metric)
    return Math.max(load ?? 0, forecast ?? 0) > trigger.activation
  }

  #answer(callback: sendUnaryData<unknown>, make: () => unknown): void {
    let value: unknown
    try {
      value = make()
    } catch (error) {
      callback(this.#statusOf(error))
      return
    }
    callback(null, value)
  }

  #statusOf(
    error: unknown,
  ): Partial<ServerErrorResponse> & { readonly message: string; readonly name: string } {
    const { status } = this.library.grpc
    const message = errorMessage(error)
    const code = isInstance(error, MissingValueError)
      ? status.UNAVAILABLE
      : isInstance(error, SluiceError)
        ? status.INVALID_ARGUMENT
        : status.INTERNAL
    return { name: 'KedaScalerError', code, message, details: message }
  }
}

class MissingValueError extends Error {
  constructor(metric: string) {
    super(`The metric "${metric}" has no current value.`)
  }
}

/** @throws InvalidArgumentError for metadata that are none of a trigger. */
function triggerOf({ scalerMetadata }: ScaledObject): Trigger {
  const { metric, minutes, target, activation = '0' } = scalerMetadata
  const signal = signalOf(metric, minutes)
  const each = target === undefined ? Number.NaN : Number(target)
  if (!option.positive.accepts(each))
    throw new InvalidArgumentError('target', 'the load of one replica, a number above 0', target)
  const least = Number(activation)
  if (!option.number(0).accepts(least))
    throw new InvalidArgumentError('activation', 'a number of at least 0', activation)
  return { ...signal, target: each, activation: least }
}

import type { PackageDefinition } from '@grpc/proto-loader'
import { loadPackage } from '../../shared/late-modules.ts'

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

/** The libraries for gRPC. */
export interface GrpcLibrary {
  readonly grpc: typeof import('@grpc/grpc-js')
  readonly definition: PackageDefinition
}

/** @throws MissingPackageError. */
export async function loadGrpc(): Promise<GrpcLibrary> {
  const [grpc, loader] = await Promise.all([
    loadPackage(NEEDING, '@grpc/grpc-js', () => import('@grpc/grpc-js')),
    loadPackage(NEEDING, '@grpc/proto-loader', () => import('@grpc/proto-loader')),
  ])
  // Zeros are sent, too, and whole numbers are numbers.
  return { grpc, definition: loader.fromJSON(protocol, { defaults: true, longs: Number }) }
}

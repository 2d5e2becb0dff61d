export { type KedaScaler, type KedaScalerOptions, startKedaScaler } from './keda-scaler.ts'
export type { ScalingSignals } from './load-signals.ts'
export { type KedaMetricsOptions, kedaMetricsHandler } from './metrics-api.ts'

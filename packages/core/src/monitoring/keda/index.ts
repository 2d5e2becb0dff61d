export { type KedaScaler, type KedaScalerOptions, startKedaScaler } from './keda-scaler.ts'
export { type KedaMetricsOptions, kedaMetricsHandler, type ScalingSignals } from './metrics-api.ts'

export {
  type SluiceHealthOptions,
  type SluiceMetricsOptions,
  type SluiceShutdownOptions,
  sluiceHealth,
  sluiceLoadShed,
  sluiceMetrics,
  sluiceRateLimit,
  sluiceShutdown,
} from './sluice-operations.ts'
export { type SluicePluginOptions, sluicePlugin } from './sluice-plugin.ts'
export { type SluiceResponseCacheOptions, sluiceResponseCache } from './sluice-response-cache.ts'

export { type GracefulShutdown, gracefulShutdown } from '@sluice/http'
export { type SluiceMiddleware, type SluiceMiddlewareOptions, sluiceMiddleware } from './sluice-middleware.ts'
export {
  type HealthMiddleware,
  type LoadShedMiddleware,
  sluiceHealth,
  sluiceLoadShed,
  sluiceMetrics,
  sluiceRateLimit,
} from './sluice-operations.ts'
export { type ProxyMiddleware, sluiceProxy } from './sluice-proxy.ts'
export { type ResponseCacheMiddleware, sluiceResponseCache } from './sluice-response-cache.ts'

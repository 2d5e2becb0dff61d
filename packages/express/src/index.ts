export { type GracefulShutdown, gracefulShutdown } from '@sluice/http'
export {
  type HealthMiddleware,
  type LoadShedMiddleware,
  type ResponseCacheMiddleware,
  sluiceHealth,
  sluiceLoadShed,
  sluiceMetrics,
  sluiceRateLimit,
  sluiceResponseCache,
} from './http-handlers.ts'
export { type SluiceMiddleware, type SluiceMiddlewareOptions, sluiceMiddleware } from './sluice-middleware.ts'

export type { RateLimitOptions, RateLimitRedis, ShedOptions } from './admission/admission-options.ts'
export {
  createLoadShedding,
  type LoadShedding,
  type LoadShedOptions,
  type LoadShedStats,
  type RequestPriority,
} from './admission/create-load-shedding.ts'
export { createRateLimit, type RateLimit } from './admission/rate-limit.ts'
export type { ConsistencyCookieOptions } from './create-consistency-cookie.ts'
export {
  type ConsistencyCookie,
  type ConsistencyCookieStats,
  createConsistencyCookie,
} from './create-consistency-cookie.ts'
export { setRequestTarget } from './headers/request-target.ts'
export { type NodeAuthOptions, nodeAuthVerifier, requireNodeAuth } from './node-auth.ts'
export type { HealthCheck, HealthOptions, HealthStatus as CheckStatus } from './operations/create-health.ts'
export {
  createHealth,
  type Health,
  type HealthDetail,
  type HealthReport,
} from './operations/create-health.ts'
export {
  createMetricsHandler,
  type MetricsOptions,
  type OperationsHandler,
} from './operations/create-metrics-handler.ts'
export { type RequestIdOptions, RequestIds } from './request-ids.ts'
export { requestNameOf, routeOf } from './request-name-of.ts'
export type { RequestNames } from './request-names.ts'
export { pathPattern } from './request-names.ts'
export { type RequestReporting, RequestScopes } from './request-scopes.ts'
export type { RequestFacts } from './response-cache/cacheable-request.ts'
export { createResponseCache, type ResponseCache } from './response-cache/create-response-cache.ts'
export { responseCacheFront } from './response-cache/response-cache-front.ts'
export type { ResponseCacheOptions } from './response-cache/response-cache-options.ts'
export type { ResponseCacheStats } from './response-cache/response-cache-stats.ts'
export {
  type GracefulShutdown,
  gracefulShutdown,
  type ShutdownOptions,
  type ShutdownReport,
} from './shutdown/graceful-shutdown.ts'

export { type SluiceMiddleware, type SluiceMiddlewareOptions, sluiceMiddleware } from './sluice-middleware.ts'
export { type ProxyMiddleware, sluiceProxy } from './sluice-proxy.ts'

export { type SluiceMiddlewareOptions, sluiceMiddleware } from './sluice-middleware.ts'

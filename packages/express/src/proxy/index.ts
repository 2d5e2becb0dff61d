export { type ProxyMiddleware, sluiceProxy } from '../sluice-proxy.ts'

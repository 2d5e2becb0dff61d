export { type CloseProxyOptions, createProxy, type HttpProxy, type ProxyStats } from './create-proxy.ts'
export type { NodeAddress, NodeTlsOptions, ProbeOptions, ProxyOptions, RetryOptions } from './proxy-options.ts'

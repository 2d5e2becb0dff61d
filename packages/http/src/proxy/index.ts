export { type CloseProxyOptions, createProxy, type HttpProxy, type ProxyStats } from '../create-proxy.ts'
export type { ForwardedStyle } from '../headers/forwarding.ts'
export type { HedgeOptions } from '../hedging.ts'
export type {
  NodeAddress,
  NodeTlsOptions,
  ProbeOptions,
  ProxyOptions,
  RetryOptions,
} from '../proxy-options.ts'
export type { StickyOptions } from '../sticky-cookie.ts'

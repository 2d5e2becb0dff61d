export { type SluiceProxyOptions, sluiceProxy } from '../sluice-proxy.ts'

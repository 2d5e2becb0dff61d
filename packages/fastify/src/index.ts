export { type SluicePluginOptions, sluicePlugin } from './sluice-plugin.ts'
export { type SluiceProxyOptions, sluiceProxy } from './sluice-proxy.ts'

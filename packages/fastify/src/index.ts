export { type SluicePluginOptions, sluicePlugin } from './sluice-plugin.ts'

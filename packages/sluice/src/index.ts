export {
  type ClientChoice,
  defineConfig,
  type RegisterOptions,
  type SluiceConfig,
} from './config/define-config.ts'

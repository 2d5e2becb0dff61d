export { SluiceError, type SluiceErrorCode } from './shared/errors.ts'

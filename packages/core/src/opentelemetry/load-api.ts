import { MissingPackageError } from '../shared/errors.ts'

export type OpenTelemetryApi = typeof import('@opentelemetry/api')

/** @throws MissingPackageError. */
export async function loadApi(
  needing: string,
  load: () => Promise<OpenTelemetryApi> = () => import('@opentelemetry/api'),
): Promise<OpenTelemetryApi> {
  try {
    return await load()
  } catch (error) {
    const { code, message = '' } = error as { readonly code?: string; readonly message?: string }
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes("'@opentelemetry/api'")) throw error
    throw new MissingPackageError(needing, '@opentelemetry/api', { cause: error })
  }
}

import { loadPackage } from '../shared/load-package.ts'

export type OpenTelemetryApi = typeof import('@opentelemetry/api')

/** @throws MissingPackageError. */
export async function loadApi(
  needing: string,
  load: () => Promise<OpenTelemetryApi> = () => import('@opentelemetry/api'),
): Promise<OpenTelemetryApi> {
  return await loadPackage(needing, '@opentelemetry/api', load)
}

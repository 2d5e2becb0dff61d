import { loadPackage } from '../shared/late-modules.ts'

export type OpenTelemetryApi = typeof import('@opentelemetry/api')

/** @throws MissingPackageError. */
export async function loadApi(
  needing: string,
  load: () => Promise<OpenTelemetryApi> = () => import('@opentelemetry/api'),
): Promise<OpenTelemetryApi> {
  return await loadPackage(needing, '@opentelemetry/api', load)
}

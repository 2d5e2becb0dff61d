import { AppSources } from '../source/app-sources.ts'
import { type Check, skip } from './check.ts'
import { checkClients } from './check-clients.ts'
import { checkOrder } from './check-order.ts'
import { checkWrapping } from './check-wrapping.ts'

/**
 * Checks in the source code where the app opens scopes and how it wraps its ORMs. Reports only what the code
 * proves.
 */
export async function checkSource(cwd: string): Promise<Check[]> {
  return checkSources(await AppSources.of(cwd))
}

/** Same as `checkSource`, for source code that was already read. */
export function checkSources(sources: AppSources): Check[] {
  const checks = [...checkOrder(sources), ...checkWrapping(sources), ...checkClients(sources)]
  return [...checks, ...[...sources.unread].map(([path, why]) => skip(`${path} could not be read: ${why}`))]
}

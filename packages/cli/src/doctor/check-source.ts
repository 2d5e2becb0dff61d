import { AppSources } from '../source/app-sources.ts'
import { type Check, skip } from './check.ts'
import { checkOrder } from './check-order.ts'
import { checkWrapping } from './check-wrapping.ts'

/** What the app's source text tells: where it opens scopes, and how it wraps Prisma. What is put together elsewhere is not seen, and nothing is said of it. */
export async function checkSource(cwd: string): Promise<Check[]> {
  const sources = await AppSources.of(cwd)
  const checks = [...checkOrder(sources), ...checkWrapping(sources)]
  return [...checks, ...[...sources.unread].map(([path, why]) => skip(`${path} could not be read: ${why}`))]
}

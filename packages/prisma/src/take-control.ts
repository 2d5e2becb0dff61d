import type { CacheControl } from '@sluice/core'
import { checkCacheControl } from '@sluice/core/adapter'
import { isRead } from './read-actions.ts'

/** A call's arguments without `cache`, which Prisma does not know, and what stood there. */
export interface ControlledCall {
  readonly args: unknown
  readonly control: CacheControl | undefined
}

/**
 * Takes `cache` out of the arguments of a model's read. Other calls are left as they are.
 *
 * @throws InvalidOptionError when it is no cache control.
 */
export function takeControl(call: {
  readonly model?: string | undefined
  readonly operation: string
  readonly args: unknown
}): ControlledCall {
  const { model, operation, args } = call
  if (model === undefined || !isRead(operation) || typeof args !== 'object' || args === null || !Object.hasOwn(args, 'cache'))
    return { args, control: undefined }
  const { cache, ...rest } = args as { readonly cache?: unknown }
  return { args: rest, control: cache === undefined ? undefined : checkCacheControl(cache, 'cache') }
}

import { copyValue, deepFreeze, exactCopy } from '../shared/copy.ts'

/** How a value is returned: unchanged, frozen, or copied for each caller. */
export type CopyMode = 'none' | 'freeze' | 'clone'

/** How values are cached and returned. */
export interface Copier<T> {
  /**
   * A value that neither this cache nor another caller can modify, or `undefined` if there is no exact copy.
   */
  copy(value: T): { readonly value: T } | undefined
  /**
   * A copy of the result of `copy`, if no other code has received that since. Default: `copy`, which checks
   * it again.
   */
  recopy?(value: T): T
  /** Whether `copy` returns any value unchanged. */
  readonly isByReference?: boolean
}

export const copiers: Readonly<Record<CopyMode, Copier<unknown>>> = {
  none: { copy: (value) => ({ value }), isByReference: true },
  freeze: { copy: (value) => ({ value: deepFreeze(value) }) },
  clone: { copy: exactCopy, recopy: copyValue },
}

import { copyValue, deepFreeze, exactCopy } from '../shared/copy.ts'

/** How a value is handed out: as it is, frozen, or copied for each caller. */
export type CopyMode = 'none' | 'freeze' | 'clone'

/** How values are kept and handed out. */
export interface Copier<T> {
  /** A value that neither this cache nor another caller can change, or `undefined` when there is no exact copy. */
  copy(value: T): { readonly value: T } | undefined
  /** A copy of what `copy` returned, if nobody else had it since. Left out: `copy`, which checks it again. */
  recopy?(value: T): T
  /** Whether `copy` returns any value as it is. */
  readonly isByReference?: boolean
}

export const copiers: Readonly<Record<CopyMode, Copier<unknown>>> = {
  none: { copy: (value) => ({ value }), isByReference: true },
  freeze: { copy: (value) => ({ value: deepFreeze(value) }) },
  clone: { copy: exactCopy, recopy: copyValue },
}

import { createSluice } from '@sluice/core'

/** Not in mode `bare`. Defined by the preloaded script. */
export const sluice = globalThis.createAppSluice?.(createSluice)

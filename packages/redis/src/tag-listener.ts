import type { StoreWatcher } from '@sluice/core'
import { EVERY_TAG } from '@sluice/core/siblings'
import type { BusListener } from './bus.ts'

/** Tells a watcher which tags a message names. */
export function tagListener(watcher: StoreWatcher): BusListener {
  return {
    hear: (message) => {
      const tags = tagsIn(message)
      if (tags === undefined || tags.includes(EVERY_TAG)) watcher.lost()
      else watcher.invalidated(tags)
    },
    lost: () => watcher.lost(),
  }
}

/** @returns `undefined` when it is no message of ours, or one of another version: whatever it says is not known. */
function tagsIn(message: string): readonly string[] | undefined {
  try {
    const tags: unknown = JSON.parse(message)
    return Array.isArray(tags) ? tags : undefined
  } catch {
    return undefined
  }
}

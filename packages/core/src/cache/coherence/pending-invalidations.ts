import { EVERY_TAG } from '../stores/cache-store.ts'

/** Above this number of tags, every tag is pending. */
const MAX_TAGS = 1_000

/** Tags of completed writes whose invalidation has not reached the other processes. */
export class PendingInvalidations {
  #tags = new Set<string>()

  get isEmpty(): boolean {
    return this.#tags.size === 0
  }

  add(tags: readonly string[]): void {
    for (const tag of tags) this.#tags.add(tag)
    if (this.#tags.size > MAX_TAGS) this.#tags = new Set([EVERY_TAG])
  }

  /** Takes all of them; tags that are added from now on are pending again. */
  take(): readonly string[] {
    const tags = [...this.#tags]
    this.#tags = new Set()
    return tags.includes(EVERY_TAG) ? [EVERY_TAG] : tags
  }
}

import { EVERY_TAG } from '../stores/cache-store.ts'

/** Beyond this many, everything is owed. */
const MAX_OWED = 1_000

/** Tags of writes that are done and that other processes were not told of. */
export class OwedTags {
  #tags = new Set<string>()

  get isEmpty(): boolean {
    return this.#tags.size === 0
  }

  add(tags: readonly string[]): void {
    for (const tag of tags) this.#tags.add(tag)
    if (this.#tags.size > MAX_OWED) this.#tags = new Set([EVERY_TAG])
  }

  /** All of them; what is added from now on is owed anew. */
  take(): readonly string[] {
    const tags = [...this.#tags]
    this.#tags = new Set()
    return tags.includes(EVERY_TAG) ? [EVERY_TAG] : tags
  }
}

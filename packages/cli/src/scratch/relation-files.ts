import { truncate } from 'node:fs/promises'
import { join } from 'node:path'

export const PAGE_BYTES = 8_192

/**
 * Gives relations of a scratch database the sizes that they have elsewhere. PostgreSQL's planner takes a table's size from its file; a file
 * with a hole takes no room, and EXPLAIN never reads it.
 */
export class RelationFiles {
  constructor(private readonly directory: string) {}

  /** @param path - As `pg_relation_filepath` gives it. */
  resize(path: string, pages: number): Promise<void> {
    return truncate(join(this.directory, path), pages * PAGE_BYTES)
  }
}

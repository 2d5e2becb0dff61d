import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { PAGE_BYTES } from '@sluice/core/database'

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

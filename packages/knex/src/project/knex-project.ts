import type { IndexNaming, ProjectFormat } from '@sluice/core/database'
import { type KnexProject, knexMigration } from './knex-migration.ts'

/** How Knex names indexes: `city_region_id_index`, `city_code_unique`. */
export const knexNaming: IndexNaming = {
  suffix: '_index',
  uniqueSuffix: '_unique',
  stem: (table, columns) => [table.replace(/[.-]/g, '_'), ...columns].join('_').toLowerCase(),
}

/** Writes changes into one migration of Knex. */
export function knexProject(project: KnexProject): ProjectFormat {
  return {
    kind: 'knex',
    naming: knexNaming,
    plan: (changes, facts, at) => ({ files: [knexMigration(changes, facts, project, at)], patched: [], unchanged: [], refused: [] }),
  }
}

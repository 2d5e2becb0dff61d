import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take about a minute or more, the longest first. */
const LONGEST: readonly string[] = [
  'test/consistency/consistency.slow.test.ts',
  'test/differential/mutations/mutations.slow.test.ts',
  'test/redis/region-staleness.slow.test.ts',
  'test/contracts/jobs/crashes.slow.test.ts',
  'test/memcached/faults.slow.test.ts',
  'test/integration/adapter-contract.test.ts',
  'test/integration/database/atlas-advice.slow.test.ts',
  'test/differential/random-schemas.slow.test.ts',
  'packages/core/test/adapter/keyed-select.long.isolated.test.ts',
  'test/integration/adapter-replicas.slow.test.ts',
  'test/integration/knex-replicas.slow.test.ts',
  'examples/cluster/test/cluster.slow.test.ts',
  'test/browser/memory.test.ts',
  'test/consistency/model/memcached/memcached.slow.test.ts',
  'test/integration/prisma-replicas.slow.test.ts',
  'test/quick-start/quick-start.slow.test.ts',
]

/**
 * Starts the longest files first, so that none of them runs alone at the end, and keeps the files of a
 * project together, because files of two projects do not share a process.
 *
 * Without durations of an earlier run, as in a fresh clone, Vitest starts the files with the most bytes
 * first.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = (await super.sort(files)).sort((a, b) => this.#rank(a) - this.#rank(b))
    const projects = new Map<string, TestSpecification[]>()
    for (const file of sorted) {
      const own = projects.get(file.project.name)
      if (own === undefined) projects.set(file.project.name, [file])
      else own.push(file)
    }
    return [...projects.values()].flat()
  }

  #rank(file: TestSpecification): number {
    const at = LONGEST.indexOf(relative(this.ctx.config.root, file.moduleId))
    return at === -1 ? LONGEST.length : at
  }
}

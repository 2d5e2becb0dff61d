import { join } from 'node:path'
import { library } from '../../tsdown.base.ts'

interface ChunkingContext {
  getModuleInfo(id: string): { readonly importedIds: readonly string[] } | null
}

/**
 * Packages that become part of the build, and the file of each with its license, which has to come with it.
 */
const bundled = { dataloader: 'LICENSE', 'lru-cache': 'LICENSE.md' }
const main = join(import.meta.dirname, 'src/index.ts')
const evaluated = new Set<string>()

/** Whether importing the main entry point evaluates a module. */
function isEvaluated(id: string, context: ChunkingContext): boolean {
  if (evaluated.size === 0) {
    evaluated.add(main)
    for (const one of evaluated)
      for (const imported of context.getModuleInfo(one)?.importedIds ?? []) evaluated.add(imported)
  }
  return evaluated.has(id)
}

export default library(
  {
    index: 'src/index.ts',
    adapter: 'src/adapter/index.ts',
    'adapter-contract': 'src/adapter-contract/index.ts',
    database: 'src/database/index.ts',
    jobs: 'src/jobs/index.ts',
    'jobs-sqlite': 'src/jobs/backends/sqlite/index.ts',
    'jobs-threads': 'src/jobs/threads/index.ts',
    'jobs-postgres': 'src/jobs/backends/postgres/index.ts',
    keda: 'src/monitoring/keda/index.ts',
    'scaling-cluster': 'src/monitoring/scaling/targets/cluster/index.ts',
    opentelemetry: 'src/opentelemetry/index.ts',
    siblings: 'src/siblings.ts',
    stores: 'src/stores.ts',
    testing: 'src/testing/index.ts',
    yield: 'src/yield/index.ts',
  },
  {
    // To find and load these takes a sixth of the time of importing the core.
    deps: { alwaysBundle: Object.keys(bundled) },
    copy: Object.entries(bundled).map(([name, license]) => ({
      from: `node_modules/${name}/${license}`,
      to: 'dist',
      rename: `license-of-${name}.txt`,
    })),
    outputOptions: {
      codeSplitting: {
        groups: [
          // All that worker threads load.
          {
            name: 'shared',
            test: /\/core\/src\/(shared\/.*|jobs\/job-errors|jobs\/backends\/job-backend)(?<!\.d)\.ts$/,
          },
          // Each file costs a millisecond of CPU. By default, there is one for each set of entry points that
          // share a module.
          { name: (id, context) => (isEvaluated(id, context) ? 'main' : null) },
        ],
      },
    },
  },
)

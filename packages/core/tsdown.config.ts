import { join } from 'node:path'
import { library, minified } from '../../tsdown.base.ts'

interface ChunkingContext {
  getModuleInfo(id: string): { readonly importedIds: readonly string[] } | null
}

/**
 * Packages that become part of the build, and the file of each with its license, which has to come with it.
 */
const bundled = { dataloader: 'LICENSE', 'lru-cache': 'LICENSE.md' }
const source = join(import.meta.dirname, 'src/')
const main = join(source, 'index.ts')
const evaluated = new Set<string>()

/**
 * Modules that are loaded when an engine, or a part of one, is first used. The first match counts. Modules
 * that the main entry point exports are never late, because `import` reads all exports.
 */
const late: Readonly<Record<string, RegExp>> = {
  'late-balancing': /^balancing\//,
  'late-cache': /^cache\//,
  'late-database': /^database\//,
  'late-jobs': /^jobs\//,
  'late-scaling': /^monitoring\/scaling/,
  'late-monitoring': /^(monitoring\/(?!scopes\/)|sluice\/feeds)/,
  'late-queries': /^query\/(advice|anomalies|cost)\//,
}

/** Modules that an app in `observe` uses nonetheless, or whose constants other modules use when evaluated. */
const early = [
  /^balancing\/(load-balancing-options|regions\/region-options|strategies\/create-picker)\./,
  /^balancing\/replicas\/(read-your-writes-tracker|replica-(errors|options|routers)|required-positions)\./,
  /^cache\/(cache-set-up|coherence\/(tags|local-writes|tag-table)|policies\/create-policy)\./,
  /^database\/(pool-monitor|recorded-workload|workload-recorder|workload\/workload-(log|record))\./,
  /^query\/(advice\/observations|anomalies)/,
]

/** Whether importing the main entry point evaluates a module. */
function isEvaluated(id: string, context: ChunkingContext): boolean {
  if (evaluated.size === 0) {
    evaluated.add(main)
    for (const one of evaluated)
      for (const imported of context.getModuleInfo(one)?.importedIds ?? []) evaluated.add(imported)
  }
  return evaluated.has(id)
}

/** The chunk of a module that importing the main entry point would evaluate. */
function chunkOf(id: string, context: ChunkingContext): string | null {
  if (id === main || !isEvaluated(id, context)) return null
  const isExported = context.getModuleInfo(main)?.importedIds.includes(id)
  const path = id.startsWith(source) ? id.slice(source.length) : ''
  if (isExported || early.some((modules) => modules.test(path))) return 'main'
  return Object.keys(late).find((name) => late[name]?.test(path)) ?? 'main'
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
    ...minified,
    // To find and load these takes a sixth of the time of importing the core.
    deps: { alwaysBundle: Object.keys(bundled) },
    copy: Object.entries(bundled).map(([name, license]) => ({
      from: `node_modules/${name}/${license}`,
      to: 'dist',
      rename: `license-of-${name}.txt`,
    })),
    // `includeDependenciesRecursively: false` requires it.
    inputOptions: { preserveEntrySignatures: 'allow-extension' },
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
          { name: chunkOf },
          {
            name: 'late-catalogs',
            test: /\/core\/src\/(schema\/readers\/(?!row-values)|sql\/triggers\/(?!own-change)).*(?<!\.d)\.ts$/,
          },
          // Otherwise, it becomes a part of one entry point, which the advisor would then load.
          { name: 'literals', test: /\/core\/src\/database\/explain\/literals(?<!\.d)\.ts$/ },
        ],
        // Otherwise, each chunk would contain what its modules import.
        includeDependenciesRecursively: false,
      },
    },
  },
)

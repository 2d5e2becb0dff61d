import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    adapter: 'src/adapter/index.ts',
    'adapter-contract': 'src/adapter-contract/index.ts',
    database: 'src/database/index.ts',
    'jobs-sqlite': 'src/jobs/backends/sqlite/index.ts',
    'jobs-threads': 'src/jobs/threads/index.ts',
    'jobs-postgres': 'src/jobs/backends/postgres/index.ts',
    keda: 'src/monitoring/keda/index.ts',
    'scaling-cluster': 'src/monitoring/scaling/targets/cluster/index.ts',
    opentelemetry: 'src/opentelemetry/index.ts',
    siblings: 'src/siblings.ts',
    testing: 'src/testing/index.ts',
  },
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  dts: true,
  sourcemap: true,
  fixedExtension: false,
  exports: { devExports: '@sluice/source' },
})

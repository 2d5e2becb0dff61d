/** What is imported when it is used, and not before, is no part of what an app loads. */
const withoutDynamicImports = (config) => ({
  ...config,
  plugins: [
    ...(config.plugins ?? []),
    {
      name: 'without-dynamic-imports',
      setup: (build) =>
        build.onResolve({ filter: /.*/ }, ({ kind, path }) =>
          kind === 'dynamic-import' ? { path, external: true } : undefined,
        ),
    },
  ],
})

export default [
  {
    name: '@sluice/core',
    path: 'packages/core/dist/index.js',
    import: '{ createSluice }',
    limit: '171.5 kB',
    ignore: ['node:*'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/http, without the core',
    path: 'packages/http/dist/index.js',
    limit: '17 kB',
    ignore: ['node:*', 'http', '@sluice/core'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/express, without the core',
    path: 'packages/express/dist/index.js',
    limit: '17 kB',
    ignore: ['node:*', 'http', '@sluice/core'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/fastify, without Fastify and the packages of Sluice',
    path: 'packages/fastify/dist/index.js',
    limit: '5 kB',
    ignore: ['node:*', 'fastify', '@sluice/core', '@sluice/http'],
  },
  {
    name: '@sluice/graphql, without GraphQL and the packages of Sluice',
    path: 'packages/graphql/dist/index.js',
    limit: '8 kB',
    ignore: ['node:*', 'graphql', 'graphql-scalars', '@sluice/core'],
  },
  {
    name: '@sluice/dashboard, without the page and the core',
    path: 'packages/dashboard/dist/index.js',
    limit: '30 kB',
    ignore: ['node:*', '@sluice/core'],
  },
  { name: '@sluice/core/adapter', path: 'packages/core/dist/adapter.js', limit: '66 kB', ignore: ['node:*'] },
  {
    name: '@sluice/core/database',
    path: 'packages/core/dist/database.js',
    limit: '120 kB',
    ignore: ['node:*'],
  },
  {
    name: '@sluice/core/jobs-sqlite',
    path: 'packages/core/dist/jobs-sqlite.js',
    limit: '12 kB',
    ignore: ['node:*'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/core/jobs-threads',
    path: 'packages/core/dist/jobs-threads.js',
    limit: '5 kB',
    ignore: ['node:*'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/core/keda',
    path: 'packages/core/dist/keda.js',
    limit: '6 kB',
    ignore: ['node:*'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/core/opentelemetry, without the core',
    path: 'packages/core/dist/opentelemetry.js',
    limit: '5 kB',
    ignore: ['node:*', './main-*', './shared-*'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/core/jobs-postgres',
    path: 'packages/core/dist/jobs-postgres.js',
    limit: '16 kB',
    ignore: ['node:*'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/core/scaling-cluster, without the core',
    path: 'packages/core/dist/scaling-cluster.js',
    limit: '5 kB',
    ignore: ['node:*', './main-*', './shared-*'],
  },
]

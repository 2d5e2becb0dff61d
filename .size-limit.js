import { readFileSync } from 'node:fs'

/** What is loaded when it is used, and not before, is no part of what an app loads. */
const withoutDynamicImports = (config) => ({
  ...config,
  plugins: [
    ...(config.plugins ?? []),
    {
      name: 'without-dynamic-imports',
      setup: (build) => {
        build.onLoad({ filter: /\/dist\/[^/]+\.cjs$/ }, ({ path }) => ({
          contents: readFileSync(path, 'utf8').replaceAll(DYNAMIC, '$1import('),
        }))
        build.onResolve({ filter: /.*/ }, ({ kind, path }) =>
          kind === 'dynamic-import' ? { path, external: true } : undefined,
        )
      },
    },
  ],
})

/** `import()` in CommonJS, and what a chunk loads with its first use. */
const DYNAMIC = /((?:then\(\(\)\s*=>\s*(?:[\w.]+\()?|\?\?=\s*))require\(/g

// Limits are about 2% above the sizes: enough for a fix, too little for a dependency.
export default [
  {
    name: '@sluice/core',
    path: 'packages/core/dist/index.cjs',
    limit: '123 kB',
    ignore: ['node:*', 'url'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/http, without the core',
    path: 'packages/http/dist/index.cjs',
    limit: '17.6 kB',
    ignore: ['node:*', 'url', 'http', '@sluice/core'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/express, without the core',
    path: 'packages/express/dist/index.cjs',
    limit: '18.3 kB',
    ignore: ['node:*', 'url', 'http', '@sluice/core'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/fastify, without Fastify and the packages of Sluice',
    path: 'packages/fastify/dist/index.cjs',
    limit: '2.5 kB',
    ignore: ['node:*', 'url', 'fastify', '@sluice/core', '@sluice/http'],
  },
  {
    name: '@sluice/graphql, without GraphQL and the packages of Sluice',
    path: 'packages/graphql/dist/index.cjs',
    limit: '6.3 kB',
    ignore: ['node:*', 'url', 'graphql', 'graphql-scalars', '@sluice/core'],
  },
  {
    name: '@sluice/dashboard, without the page and the core',
    path: 'packages/dashboard/dist/index.cjs',
    limit: '30.4 kB',
    ignore: ['node:*', 'url', '@sluice/core'],
  },
  {
    name: '@sluice/core/adapter',
    path: 'packages/core/dist/adapter.cjs',
    limit: '165 kB',
    ignore: ['node:*', 'url'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/core/database',
    path: 'packages/core/dist/database.cjs',
    limit: '174 kB',
    ignore: ['node:*', 'url'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/core/jobs-sqlite',
    path: 'packages/core/dist/jobs-sqlite.cjs',
    limit: '22.1 kB',
    ignore: ['node:*', 'url'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/core/jobs-threads',
    path: 'packages/core/dist/jobs-threads.cjs',
    limit: '16.4 kB',
    ignore: ['node:*', 'url'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/core/keda',
    path: 'packages/core/dist/keda.cjs',
    limit: '17.2 kB',
    ignore: ['node:*', 'url'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/core/opentelemetry, without the core',
    path: 'packages/core/dist/opentelemetry.cjs',
    limit: '2.94 kB',
    ignore: ['node:*', 'url', './main-*', './shared-*'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/core/jobs-postgres',
    path: 'packages/core/dist/jobs-postgres.cjs',
    limit: '25.6 kB',
    ignore: ['node:*', 'url'],
    modifyEsbuildConfig: withoutDynamicImports,
  },
  {
    name: '@sluice/core/scaling-cluster, without the core',
    path: 'packages/core/dist/scaling-cluster.cjs',
    limit: '2.7 kB',
    ignore: ['node:*', 'url', './main-*', './shared-*'],
  },
]

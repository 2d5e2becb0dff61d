const core = '^packages/core/src/'
const engines = ['query', 'cache', 'database', 'balancing', 'jobs', 'monitoring']
const engineFolders = `${core}(${engines.join('|')})/`

// The import table of docs/internals/architecture.md. A folder may import itself and what is listed.
const inCore = {
  shared: [],
  sql: ['shared'],
  schema: ['shared', 'sql'],
  pipeline: ['shared', 'sql', 'schema'],
  query: ['shared', 'sql', 'schema', 'pipeline'],
  cache: ['shared', 'sql', 'schema', 'pipeline'],
  database: ['shared', 'sql', 'schema', 'pipeline'],
  balancing: ['shared', 'sql', 'schema', 'pipeline'],
  adapter: ['shared', 'sql', 'schema', 'pipeline'],
  jobs: ['shared'],
  monitoring: ['shared'],
  yield: ['shared', 'pipeline'],
}
const packages = {
  core: [],
  redis: ['core'],
  memcached: ['core'],
  http: ['core'],
  prisma: ['core'],
  knex: ['core'],
  express: ['core', 'http'],
  fastify: ['core', 'http'],
  graphql: ['core'],
  dashboard: ['core'],
  cli: ['core', 'redis'],
}
/** Entry points of adapters that know the format of their ORM's projects, and no client. */
const projects = '^packages/(prisma|knex)/src/project/index\\.ts$'
// What each published package may import from outside the workspace.
const npm = {
  // After `croner`, each an optional peer, by dynamic import.
  core: [
    'dataloader',
    'lru-cache',
    'croner',
    'better-sqlite3',
    'piscina',
    '@grpc/grpc-js',
    '@grpc/proto-loader',
    '@opentelemetry/api',
    '@types/better-sqlite3',
  ],
  prisma: ['@prisma/client', '@prisma/driver-adapter-utils', '@prisma/generator-helper'],
  knex: ['knex'],
  // The last one an optional peer, by dynamic import.
  redis: ['ioredis', 'msgpackr', 'bullmq'],
  memcached: ['msgpackr'],
  http: ['undici', 'rate-limiter-flexible', 'on-headers', '@types/on-headers'],
  // The first two a parser; then each an optional peer, by dynamic import.
  cli: [
    'acorn',
    '@modelcontextprotocol/server',
    'zod',
    '@sveltejs/acorn-typescript',
    '@electric-sql/pglite',
    'better-sqlite3',
    'ioredis',
    'mysql2',
    'pg',
    '@types/better-sqlite3',
    '@types/pg',
  ],
  express: ['express', '@types/express'],
  fastify: ['fastify', 'fastify-plugin'],
  graphql: ['graphql', 'graphql-scalars'],
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      from: { pathNot: 'generated' },
      // Drivers that are compiled: tests of Knex use them if they are installed.
      to: { couldNotResolve: true, pathNot: '^(sqlite3|pg-native)$' },
    },
    {
      name: 'engines-are-siblings',
      severity: 'error',
      from: { path: engineFolders },
      to: { path: engineFolders, pathNot: `${core}$1/` },
    },
    ...Object.entries(inCore).map(([folder, allowed]) => ({
      name: `core-${folder}`,
      severity: 'error',
      // What an entry point lists may come from anywhere.
      from: { path: `${core}${folder}/`, pathNot: `${core}adapter/index\\.ts$` },
      to: { path: core, pathNot: `${core}(${[folder, ...allowed].join('|')})/` },
    })),
    {
      name: 'only-sluice-joins-engines',
      severity: 'error',
      from: {
        path: core,
        // The entry points export what engines have; of engines, `opentelemetry` has types alone.
        pathNot: [
          `${core}(sluice|testing|adapter-contract|opentelemetry)/`,
          `${core}(adapter/index|index|siblings|stores)\\.ts$`,
          engineFolders,
        ],
      },
      to: { path: engineFolders },
    },
    ...Object.entries(packages).map(([name, allowed]) => ({
      name: `package-${name}`,
      severity: 'error',
      from: { path: `^packages/${name}/src` },
      to: {
        path: '^packages/',
        pathNot: [
          `^packages/${name}/`,
          ...allowed.map(
            (other) =>
              `^packages/${other}/src/(((database|adapter|jobs|proxy|yield)/)?index|siblings|stores)\\.ts$`,
          ),
          ...(name === 'cli' ? [projects] : []),
        ],
      },
    })),
    ...Object.entries(npm).map(([name, allowed]) => ({
      name: `npm-${name}`,
      severity: 'error',
      from: { path: `^packages/${name}/src` },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-peer', 'npm-optional', 'npm-no-pkg', 'npm-unknown'],
        pathNot: allowed.map((dependency) => `node_modules/${dependency}/`),
      },
    })),
    {
      name: 'modules-of-node-that-are-loaded-late',
      severity: 'error',
      // But for entry points that importing the core does not load.
      from: {
        path: core,
        pathNot: `${core}(shared/late-modules\\.ts$|cache/stores/kit/|jobs/backends/postgres/|monitoring/(keda|scaling/targets/cluster)/)`,
      },
      to: { path: '^(node:)?(cluster|crypto|v8|zlib)$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'project-formats-know-no-client',
      severity: 'error',
      from: { path: '^packages/(prisma|knex)/src/project/' },
      to: {
        path: '^packages/|node_modules/',
        pathNot: ['^packages/$1/src/project/', `${core}database/index\\.ts$`],
      },
    },
    {
      name: 'adapters-use-the-kit',
      severity: 'error',
      from: { path: '^packages/(knex|prisma|prisma8|kysely|drizzle)/' },
      to: { path: `${core}siblings\\.ts$` },
    },
    {
      name: 'page-of-dashboard',
      severity: 'error',
      from: { path: '^packages/dashboard/page/src' },
      to: {
        path: '^packages/|node_modules/',
        pathNot: [
          '^packages/dashboard/page/src/',
          '^packages/dashboard/src/protocol/',
          'node_modules/(preact|@preact/signals|uplot|vite)/',
        ],
      },
    },
    {
      name: 'server-of-dashboard-knows-no-page',
      severity: 'error',
      from: { path: '^packages/dashboard/src' },
      to: { path: '^packages/dashboard/page' },
    },
    {
      name: 'examples-use-entry-points',
      severity: 'error',
      from: { path: '^examples/' },
      to: { path: '^packages/[^/]+/src/', pathNot: '^packages/.*/index\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', 'dist'] },
    // The app is installed elsewhere, with packages of its own.
    exclude: {
      path: ['^(packages|examples)/[^/]+/dist/', '/generated/', '^test/strangers/[^/]+/'],
    },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@sluice/source', 'import', 'types', 'node', 'default'],
      extensions: ['.ts', '.js', '.json', '.d.ts'],
    },
  },
}

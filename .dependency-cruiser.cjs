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
  jobs: ['shared'],
  monitoring: ['shared'],
}
const packages = {
  redis: ['core'],
  http: ['core'],
  prisma: ['core'],
  knex: ['core'],
  express: ['core', 'http'],
  fastify: ['core', 'http'],
  graphql: ['core'],
  dashboard: ['core'],
  cli: ['core'],
}
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
  redis: ['ioredis', 'msgpackr', 'cockatiel', 'bullmq'],
  http: ['undici', 'rate-limiter-flexible', 'on-headers', '@types/on-headers'],
  // Each an optional peer, by dynamic import.
  cli: ['@electric-sql/pglite', 'better-sqlite3', 'ioredis', 'mysql2', 'pg', '@types/better-sqlite3', '@types/pg'],
  express: ['express', '@types/express'],
  fastify: ['fastify', 'fastify-plugin'],
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'not-to-unresolvable', severity: 'error', from: { pathNot: 'generated' }, to: { couldNotResolve: true } },
    {
      name: 'engines-are-siblings',
      severity: 'error',
      from: { path: engineFolders },
      to: { path: engineFolders, pathNot: `${core}$1/` },
    },
    ...Object.entries(inCore).map(([folder, allowed]) => ({
      name: `core-${folder}`,
      severity: 'error',
      from: { path: `${core}${folder}/` },
      to: { path: core, pathNot: `${core}(${[folder, ...allowed].join('|')})/` },
    })),
    {
      name: 'only-sluice-joins-engines',
      severity: 'error',
      from: {
        path: core,
        pathNot: [
          `${core}sluice(-options|-chains|-result-policies|-secrets|-scopes|-events|-facts|-feeds|-feeds-database|-feeds-work)?\\.ts$`,
          `${core}default-sluice\\.ts$`,
          `${core}index\\.ts$`,
          `${core}testing/`,
          // Of engines it has types alone.
          `${core}opentelemetry/`,
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
        pathNot: [`^packages/${name}/`, ...allowed.map((other) => `^packages/${other}/src/(database/)?index\\.ts$`)],
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
      name: 'examples-use-entry-points',
      severity: 'error',
      from: { path: '^examples/' },
      to: { path: '^packages/[^/]+/src/', pathNot: '^packages/.*/index\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', 'dist'] },
    exclude: { path: ['^(packages|examples)/[^/]+/dist/', '/generated/'] },
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

import { defineConfig } from 'tsdown'
import { library } from '../../tsdown.base.ts'

const cjs = library(
  {
    index: 'src/index.ts',
    jest: 'src/jest.ts',
    'mikro-orm': 'src/mikro-orm.ts',
    register: 'src/register.ts',
    sequelize: 'src/sequelize.ts',
    typeorm: 'src/typeorm.ts',
  },
  {
    deps: { neverBundle: ['sluice/register'] },
    exports: {
      devExports: '@sluice/source',
      customExports: ({ './package.json': manifest, ...exports }, { isPublish }) => ({
        ...exports,
        './vitest': isPublish
          ? './dist/vitest.mjs'
          : { '@sluice/source': './src/vitest.ts', default: './dist/vitest.mjs' },
        './package.json': manifest,
      }),
    },
    outputOptions: {
      codeSplitting: {
        groups: [
          { name: 'runtime', test: /rolldown\/runtime/, priority: 4 },
          { name: 'late-failures', test: /src[\\/]failure-reason/, priority: 4 },
          {
            name: 'shared',
            test: /src[\\/](?:process-state|guarded|is-object|patches[\\/]patch-methods|config[\\/]config-file|seams[\\/](?:callers|orms[\\/](?:living-objects|mikro-orm|sequelize|simple-lookup|typeorm))\.ts)/,
            priority: 4,
          },
          { name: 'late-dashboard', test: /src[\\/]dashboard/, priority: 4 },
          { name: 'late-drizzle', test: /src[\\/]seams[\\/]drizzle/, priority: 2 },
          { name: 'late-prisma', test: /src[\\/]seams[\\/]prisma/, priority: 2 },
          { name: 'late-kysely', test: /src[\\/]seams[\\/]kysely/, priority: 2 },
          { name: 'late-knex', test: /src[\\/]seams[\\/]knex/, priority: 2 },
          // Both load the core, which a process without a client does not need. The first comes before the
          // seams above, because a chunk contains what its files import, unless another group has it.
          {
            name: 'late-clients',
            test: /src[\\/](?:attached-clients|registered-sluice|run-report|no-client|config[\\/](?:read|settings|client)|scopes[\\/](?:bounded-names|job-scope|operation-name|request-scope|script-scope|work))/,
            priority: 3,
          },
          { name: 'late-drivers', test: /src[\\/]seams/, priority: 1 },
        ],
      },
    },
  },
)

export default [
  ...[cjs].flat(),
  // Vitest cannot be loaded with `require`.
  defineConfig({
    entry: { vitest: 'src/vitest.ts' },
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    dts: true,
    clean: false,
    deps: { neverBundle: ['sluice/register', 'vitest'] },
  }),
]

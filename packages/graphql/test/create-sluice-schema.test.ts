import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSluice, SluiceError } from '@sluice/core'
import { createSluiceSchema } from '@sluice/graphql'
import { buildSchema, type GraphQLObjectType, printType } from 'graphql'
import { createSchema } from 'graphql-yoga'
import { afterEach, describe, expect, it, vi } from 'vitest'

const sluice = createSluice()
const app = 'type Query { hello: String } type Mutation { noop: Boolean }'
afterEach(() => vi.restoreAllMocks())

describe('createSluiceSchema', () => {
  it('returns SDL that extends the root types of the app, for graphql-js and graphql-tools', () => {
    const { typeDefs } = createSluiceSchema(sluice)
    for (const schema of [buildSchema(`${app}\n${typeDefs}`), createSchema({ typeDefs: [app, typeDefs] })]) {
      expect(Object.keys(schema.getQueryType()?.getFields() ?? {})).toContain('hello')
      expect(Object.keys(schema.getQueryType()?.getFields() ?? {})).toContain('cacheStats')
      expect(Object.keys(schema.getMutationType()?.getFields() ?? {})).toContain('clearCache')
    }
  })

  it('returns SDL that works alone, or with an app without mutations or with a JSON scalar', () => {
    const alone = createSluiceSchema(sluice, { defines: ['Query', 'Mutation', 'JSON'] })
    expect(() => buildSchema(alone.typeDefs)).not.toThrow()
    const withoutMutations = createSluiceSchema(sluice, { defines: ['Mutation', 'JSON'] })
    expect(() => buildSchema(`type Query { hello: String } ${withoutMutations.typeDefs}`)).not.toThrow()
    const withoutScalar = createSluiceSchema(sluice, { defines: [] })
    expect(() => buildSchema(`${app} scalar JSON ${withoutScalar.typeDefs}`)).not.toThrow()
  })

  it('has exactly one resolver per field of its root types', () => {
    const { typeDefs, resolvers } = createSluiceSchema(sluice, { defines: ['Query', 'Mutation', 'JSON'] })
    const schema = buildSchema(typeDefs)
    for (const root of ['Query', 'Mutation'] as const) {
      const { [root]: type } = { Query: schema.getQueryType(), Mutation: schema.getMutationType() }
      expect(Object.keys(resolvers[root])).toEqual(Object.keys(type?.getFields() ?? {}))
    }
  })

  it.each(['PerformanceMetrics', 'CacheStats', 'ClusterStatus', 'Query', 'Mutation'])(
    'matches the documentation of %s',
    (name) => {
      const { typeDefs } = createSluiceSchema(sluice, { defines: ['Query', 'Mutation', 'JSON'] })
      const guide = readFileSync(join(import.meta.dirname, '../../../docs/guides/graphql.md'), 'utf8')
      const [, documented = ''] = /```graphql\n([\s\S]*?)```/.exec(guide) ?? []
      const shown = buildSchema(
        `${documented.replaceAll('extend type', 'type')} scalar JSON ${rest(typeDefs)}`,
      )
      const type = (schema: ReturnType<typeof buildSchema>) =>
        printType(schema.getType(name) as GraphQLObjectType)
      expect(type(buildSchema(typeDefs))).toBe(type(shown))
    },
  )

  it.each([
    ['authorize', { authorize: true }],
    ['actor', { actor: 'ada' }],
    ['defines', { defines: ['Subscription'] }],
    ['batchJobs', { batchJobs: 'mail' }],
    ['maxItems', { maxItems: 0 }],
    ['maxJsonDepth', { maxJsonDepth: 101 }],
    ['authorise', { authorise: () => true }],
  ])('rejects an invalid %s', (name, options) => {
    expect(() => createSluiceSchema(sluice, options as never)).toThrow(
      expect.objectContaining({ code: 'SLUICE_INVALID_OPTION', option: name }),
    )
  })

  it('rejects an object that is not a Sluice instance', () => {
    expect(() => createSluiceSchema({} as never)).toThrow(
      expect.objectContaining({ code: 'SLUICE_INVALID_ARGUMENT' }),
    )
  })

  it('returns the code of an internal failure, but not its message', async () => {
    const { resolvers } = createSluiceSchema(sluice, { authorize: () => true })
    const errors: unknown[] = []
    const stop = sluice.on('error', (error) => errors.push(error))
    const failure = new SluiceError('SLUICE_JOB_BACKEND', 'redis://10.0.0.5 does not answer.')
    vi.spyOn(sluice.jobs as NonNullable<typeof sluice.jobs>, 'getProcessingStats').mockRejectedValue(failure)
    await expect(resolvers.Query.queueStats(undefined, {}, undefined)).rejects.toMatchObject({
      extensions: { code: 'SLUICE_JOB_BACKEND' },
      message: expect.not.stringContaining('10.0.0.5'),
    })
    stop()
    expect(errors).toEqual([failure])
  })
})

/** Types that the documentation omits. */
function rest(typeDefs: string): string {
  return typeDefs
    .replace(/^(type (PerformanceMetrics|CacheStats|ClusterStatus) .*|scalar JSON)$/gm, '')
    .replace(/\ntype (Query|Mutation) \{[\s\S]*?\n\}/g, '')
}

import { ApolloServer, type ApolloServerPlugin } from '@apollo/server'
import {
  createSluice,
  type Prediction,
  type QueryAnalysis,
  type ScalingEvent,
  type ScalingPolicy,
} from '@sluice/core'
import {
  createSluiceSchema,
  registerSluiceMercurius,
  type SluiceField,
  type SluiceMutationField,
  type SluiceQueryField,
  sluiceApolloPlugin,
  useSluice,
} from '@sluice/graphql'
import fastify from 'fastify'
import { createSchema, createYoga, type Plugin } from 'graphql-yoga'
import mercurius from 'mercurius'
import { expectTypeOf, it } from 'vitest'

const sluice = createSluice()

it('has plugins with the types of the servers', () => {
  expectTypeOf(useSluice(sluice)).toExtend<Plugin>()
  expectTypeOf(sluiceApolloPlugin(sluice)).toExtend<ApolloServerPlugin>()
  createYoga({ schema: createSchema({ typeDefs: '' }), plugins: [useSluice(sluice)] })
  new ApolloServer<{ user: string }>({ typeDefs: '', plugins: [sluiceApolloPlugin(sluice, { maxNames: 5 })] })
  const app = fastify()
  app.register(mercurius, { schema: '' })
  registerSluiceMercurius(app, sluice)
})

it('passes the type of the context to authorize and actor', () => {
  createSluiceSchema<{ readonly user: string }>(sluice, {
    authorize: (context, field, args) => {
      expectTypeOf(context).toEqualTypeOf<{ readonly user: string }>()
      expectTypeOf(field).toEqualTypeOf<SluiceField>()
      expectTypeOf(args).toEqualTypeOf<Readonly<Record<string, unknown>>>()
      return true
    },
    actor: ({ user }) => user,
  })
  // @ts-expect-error a string is not a valid result
  createSluiceSchema(sluice, { authorize: () => 'yes' })
  // @ts-expect-error not a type that the app can define
  createSluiceSchema(sluice, { defines: ['CacheStats'] })
})

it('has a resolver for each field', () => {
  const { resolvers, typeDefs } = createSluiceSchema(sluice)
  expectTypeOf(typeDefs).toEqualTypeOf<string>()
  expectTypeOf<keyof typeof resolvers.Query>().toEqualTypeOf<SluiceQueryField>()
  expectTypeOf<keyof typeof resolvers.Mutation>().toEqualTypeOf<SluiceMutationField>()
  createSchema({ typeDefs, resolvers })
})

it('uses the field names of the engines', () => {
  // A field that an engine renames would be null for GraphQL clients.
  type Shown<T, K extends keyof T> = Pick<T, K>
  expectTypeOf<
    Shown<
      QueryAnalysis,
      'query' | 'fingerprint' | 'executionTime' | 'rowsScanned' | 'rowsReturned' | 'scanRatio'
    >
  >().not.toBeAny()
  expectTypeOf<
    Shown<QueryAnalysis, 'fullTableScan' | 'isInferred' | 'indexesUsed' | 'warnings' | 'recommendations'>
  >().not.toBeAny()
  expectTypeOf<
    Shown<QueryAnalysis, 'severity' | 'callSite' | 'calls' | 'totalTime' | 'maxTime' | 'plan'>
  >().not.toBeAny()
  expectTypeOf<
    Shown<ScalingEvent, 'timestamp' | 'direction' | 'from' | 'to' | 'metric' | 'value' | 'reasons' | 'source'>
  >().not.toBeAny()
  expectTypeOf<
    Shown<Prediction, 'value' | 'lower' | 'upper' | 'p90' | 'model' | 'recentAccuracy' | 'horizonMinutes'>
  >().not.toBeAny()
  expectTypeOf<keyof ScalingPolicy>().toEqualTypeOf<
    'id' | 'name' | 'metric' | 'threshold' | 'scaleDirection' | 'scaleAmount' | 'cooldownSeconds' | 'enabled'
  >()
})

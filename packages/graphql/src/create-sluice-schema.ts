import type { Sluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import type { GraphQLScalarType } from 'graphql'
import { GraphQLJSON } from 'graphql-scalars'
import {
  FieldGate,
  resolverError,
  type SluiceField,
  type SluiceMutationField,
  type SluiceQueryField,
} from './schema/field-gate.ts'
import { mutationResolvers } from './schema/mutation-resolvers.ts'
import { queryResolvers } from './schema/query-resolvers.ts'
import { actorFrom, checkSchemaOptions, type SluiceSchemaOptions } from './schema/schema-options.ts'
import { typeDefs } from './schema/type-defs.ts'

type Args = Readonly<Record<string, unknown>>

/** A resolver, in the form that all servers accept. */
export type SluiceResolver<TContext> = (
  source: unknown,
  args: Readonly<Record<string, unknown>>,
  context: TContext,
) => Promise<unknown>

/** For `makeExecutableSchema`, tools based on it, and Mercurius. */
export interface SluiceSchema<TContext> {
  /** The schema as SDL; see `defines`. */
  readonly typeDefs: string
  readonly resolvers: {
    JSON: GraphQLScalarType
    Query: Record<SluiceQueryField, SluiceResolver<TContext>>
    Mutation: Record<SluiceMutationField, SluiceResolver<TContext>>
  }
}

/**
 * Returns a GraphQL schema of Sluice's engines to merge into the schema of your app. It extends your root
 * types.
 *
 * Each field reads from its engine when it is resolved. A field of a disabled engine fails with
 * `SLUICE_ENGINE_DISABLED`. Errors of Sluice contain their code in `extensions.code`. An `Int` above 32 bits,
 * and an unknown value of a minute, are -1.
 *
 * @throws InvalidOptionError; InvalidArgumentError if `sluice` is not a Sluice instance.
 * @example
 * ```ts
 * const { typeDefs, resolvers } = createSluiceSchema(sluice, { authorize: (context) => context.user?.isAdmin
 * === true })
 * const schema = createSchema({ typeDefs: [appTypeDefs, typeDefs], resolvers: [appResolvers, resolvers] })
 * ```
 */
export function createSluiceSchema<TContext = unknown>(
  sluice: Sluice,
  options: SluiceSchemaOptions<TContext> = {},
): SluiceSchema<TContext> {
  checkSchemaOptions(options)
  const {
    authorize,
    actor,
    defines = ['JSON'],
    batchJobs = [],
    maxItems = 10_000,
    maxJsonDepth = 20,
  } = options
  const host = hostOf(sluice)
  const report = (error: unknown) => host.reportError(error)
  const gate = new FieldGate(authorize, report)
  const guarded =
    <K extends SluiceField>(isMutation: boolean) =>
    ([field, answer]: [string, (args: Args, actor: string | undefined) => unknown]): [
      K,
      SluiceResolver<TContext>,
    ] => [
      field as K,
      async (_source, args, context) => {
        try {
          await gate.pass(field as K, context, args)
          return await answer(args, isMutation ? actorFrom(actor?.(context)) : undefined)
        } catch (error) {
          throw resolverError(error, report)
        }
      },
    ]
  const queries = Object.entries(queryResolvers(sluice)).map(guarded<SluiceQueryField>(false))
  const mutations = Object.entries(mutationResolvers(sluice, { maxItems, maxJsonDepth }, batchJobs)).map(
    guarded<SluiceMutationField>(true),
  )
  return {
    typeDefs: typeDefs(defines),
    resolvers: {
      JSON: GraphQLJSON,
      Query: Object.fromEntries(queries) as Record<SluiceQueryField, SluiceResolver<TContext>>,
      Mutation: Object.fromEntries(mutations) as Record<SluiceMutationField, SluiceResolver<TContext>>,
    },
  }
}

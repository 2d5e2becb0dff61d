export { createSluiceSchema, type SluiceResolver, type SluiceSchema } from './create-sluice-schema.ts'
export { type MercuriusApp, registerSluiceMercurius } from './register-sluice-mercurius.ts'
export type {
  AuthorizeField,
  SluiceField,
  SluiceMutationField,
  SluiceQueryField,
} from './schema/field-gate.ts'
export type { SluiceSchemaOptions } from './schema/schema-options.ts'
export type { DefinedName } from './schema/type-defs.ts'
export type { GraphqlScopeOptions } from './scopes/operation-scope.ts'
export { type SluiceApolloPlugin, sluiceApolloPlugin } from './sluice-apollo-plugin.ts'
export { type SluiceEnvelopPlugin, useSluice } from './use-sluice.ts'

export type { CacheArgument, CachedReads } from './cache-argument.ts'
export { type PrismaConnection, prismaConnection } from './prisma-connection.ts'
export type { PrismaOptions, PrismaReplica } from './prisma-options.ts'
export type {
  PrismaFieldData,
  PrismaKeyData,
  PrismaModelData,
  PrismaRelationData,
  PrismaSchemaData,
} from './schema/prisma-schema-data.ts'
export { sluiceAdapter } from './sluice-adapter.ts'
export { type SluiceExtension, type TransactionClientOf, withSluice } from './with-sluice.ts'

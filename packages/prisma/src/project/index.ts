export { type PrismaProject, prismaProject } from './prisma-project.ts'
export { readBlocks, type SchemaBlock } from './schema-text.ts'

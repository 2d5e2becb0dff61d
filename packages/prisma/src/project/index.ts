export { type PrismaProject, prismaProject } from './prisma-project.ts'
